import { accessSync, chmodSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../local-stack/process-alive.ts';

export type FolderLock = {
  /** Marks the lock, so that a start that comes now waits instead of failing. */
  stopping(): void;
  release(): void;
};

const stoppingMark = 'stopping';

const lookEveryMs = 50;
/** The line "Waiting" comes once a minute. */
const looksPerLine = 60_000 / lookEveryMs;

/** One start at a time on a folder. Waits for a start that is stopping, and throws if one runs. */
export async function lockStateFolder(folder: string, say: (line: string) => void): Promise<FolderLock> {
  try {
    makeFolder(folder);
    accessSync(`${folder}/.`, constants.W_OK); // the dot makes this fail if `folder` is a file
    chmodSync(folder, 0o755); // under root, Postgres runs as a user of its own, which must be able to enter
  } catch (error) {
    throw new Error(`NEXUS_STATE_FOLDER: cannot create or use ${folder} (${(error as NodeJS.ErrnoException).code})`);
  }
  const file = `${folder}/start.pid`;
  for (let looks = 0; ; looks += 1) {
    const { pid, isStopping } = readOwner(file);
    if (pid === process.pid || !isAlive(pid, 'start.ts')) break;
    if (!isStopping)
      throw new Error(
        `Agent Nexus already runs on ${folder} (process ${pid}). Stop it, or set NEXUS_STATE_FOLDER to another folder, and other ports.`,
      );
    if (looks % looksPerLine === 0)
      say(`Waiting for the earlier start (process ${pid}) to finish its answers and stop …`);
    await sleep(lookEveryMs);
  }
  writeFileSync(file, String(process.pid));
  return {
    stopping: () => writeFileSync(file, `${process.pid} ${stoppingMark}`),
    release: () => rmSync(file, { force: true }),
  };
}

/** One folder at a time: Node's recursive mkdir never ends in a place that cannot have folders, such as /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder);
}

function readOwner(file: string): { pid: number; isStopping: boolean } {
  try {
    const [pid, mark] = readFileSync(file, 'utf8').split(' ');
    return { pid: Number(pid), isStopping: mark === stoppingMark };
  } catch {
    return { pid: 0, isStopping: false };
  }
}
