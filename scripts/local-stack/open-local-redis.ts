import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { type FindRedisOptions, findRedis } from './find-redis.ts';
import { freePort } from './free-port.ts';
import { endProcess, isAlive } from './process-alive.ts';

export type LocalRedis = {
  url: string;
  port: number;
  pid: number;
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
};

const startLimitMs = 10_000;

/**
 * Starts a Redis on loopback with its data in a folder. With `appendOnly` every write is on disk within a second, and the next start finds it.
 * If an earlier, killed process left a Redis running on the folder, stops that one first.
 */
export async function openLocalRedis(
  options: {
    dataFolder: string;
    appendOnly: boolean;
    port?: number;
    flags?: string[];
  } & Partial<FindRedisOptions>,
): Promise<LocalRedis> {
  const source = await findRedis({ say: () => {}, ...options });
  const port = options.port ?? (await freePort());
  const pidFile = `${options.dataFolder}/redis.pid`;
  await mkdir(options.dataFolder, { recursive: true });
  await endLeftover(pidFile);
  await source.endLeftover(options.dataFolder);
  const { dataFolder, appendOnly, flags = [] } = options;
  const { program, args, env } = source.toCommand({ dataFolder, appendOnly, port, flags });
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
  const output = lastLines(child);
  const url = `redis://127.0.0.1:${port}`;
  const stop = () => endChild(child);
  try {
    await untilItAnswers(child, url, output);
    await writeFile(pidFile, String(child.pid));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, pid: child.pid ?? 0, stop };
}

/** The child is detached, so that Ctrl-C in a terminal does not stop it before the services that still write to it. */
function endChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGCONT'); // a paused process would not react to SIGTERM
    child.kill('SIGTERM');
  });
}

function lastLines(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text = `${text}${chunk}`.slice(-2_000);
    });
  }
  return () => text.trim();
}

async function untilItAnswers(child: ChildProcess, url: string, output: () => string): Promise<void> {
  const probe = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null, maxLoadingRetryTime: 100 });
  probe.on('error', () => {});
  let timer: NodeJS.Timeout | undefined;
  try {
    const ended = new Promise<never>((_, reject) => {
      const give = (why: string) => reject(new Error(`the local Redis did not start (${why}):\n${output()}`));
      child.once('error', (error) => give(error.message));
      child.once('exit', (code) => give(`exit code ${code}`));
      timer = setTimeout(give, startLimitMs, `no answer within ${startLimitMs} ms`);
    });
    await Promise.race([probe.ping(), ended]);
  } finally {
    clearTimeout(timer);
    probe.disconnect();
  }
}

async function endLeftover(pidFile: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (isAlive(pid, '-server')) await endProcess(pid, '-server', 'SIGTERM', 5_000);
}
