import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The path of promtool. If it is missing, and we are root on Debian, unpacks Debian's package into the folder, where the next call finds it.
 * Otherwise throws a message with the command that installs it.
 */
export async function findPromtool(folder: string, say: (line: string) => void): Promise<string> {
  const unpacked = join(folder, 'usr', 'bin', 'promtool');
  for (const path of ['promtool', unpacked]) if (await runs(path)) return path;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(advice());
  say("promtool is missing: fetching Debian's package prometheus …");
  await unpackPrometheus(folder);
  if (!(await runs(unpacked))) throw new Error(advice());
  return unpacked;
}

async function runs(path: string): Promise<boolean> {
  return run(path, ['--version']).then(
    () => true,
    () => false,
  );
}

/** Unpack, do not install: the installed package would start a Prometheus server that listens on every address. */
async function unpackPrometheus(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await run('apt-get', ['update', '-qq']);
  await run('apt-get', ['download', '-qq', 'prometheus'], { cwd: folder });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (!archive) throw new Error('apt-get downloaded nothing');
  await run('dpkg-deb', ['--extract', archive, '.'], { cwd: folder });
  await rm(join(folder, archive));
}

function advice(): string {
  const command = process.platform === 'darwin' ? 'brew install prometheus' : 'sudo apt-get install prometheus';
  return `promtool is missing. It comes with Prometheus (${command}).`;
}
