import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Servers that will do, best known first. */
const programs = ['redis-server', 'valkey-server'];
const oldestRedis = 7;

/**
 * The path of a Redis (7 or newer) or Valkey server. Where there is none and we may, installs Debian's; otherwise throws a message
 * with the command to run.
 */
export async function findRedis(say: (line: string) => void): Promise<string> {
  const found = await searchPath();
  if (found) return found;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(advice());
  say('Redis is missing: installing redis-server with apt …');
  await installWithApt();
  const installed = await searchPath();
  if (!installed) throw new Error(advice());
  return installed;
}

async function searchPath(): Promise<string | null> {
  const tooOld: string[] = [];
  for (const program of programs) {
    const version = await versionOf(program);
    if (version === null) continue;
    if (program === 'valkey-server' || version >= oldestRedis) return program;
    tooOld.push(`${program} ${version}`);
  }
  if (tooOld.length > 0)
    throw new Error(`${tooOld.join(', ')} is too old: Redis ${oldestRedis} or newer is needed. ${advice()}`);
  return null;
}

async function versionOf(program: string): Promise<number | null> {
  try {
    const { stdout } = await run(program, ['--version']);
    return Number(/v=(\d+)/.exec(stdout)?.[1] ?? 0);
  } catch {
    return null;
  }
}

/** Keeps apt from starting a server of its own on the standard port. */
const withoutServices = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };

async function installWithApt(): Promise<void> {
  await apt(['update', '-qq']);
  await apt(['install', '-y', '-qq', '--no-install-recommends', 'redis-server']);
}

function apt(args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('apt-get', args, { env: withoutServices, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (chunk) => {
      complaint = `${complaint}${chunk}`.slice(-2_000);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`apt-get ${args[0]} failed: ${complaint.trim()}`)),
    );
  });
}

function advice(): string {
  const command = process.platform === 'darwin' ? 'brew install redis' : 'sudo apt-get install redis-server';
  return `Redis is missing. Install it (${command}), or set REDIS_URL to one that runs.`;
}
