import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive } from '../local-stack/process-alive.ts';

/** One start at a time on a folder. Returns how to let it go. */
export function lockStateFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755); // as root, Postgres runs as a user of its own and has to get through
  const file = `${folder}/start.pid`;
  const pid = readPid(file);
  if (isAlive(pid, 'start.ts') && pid !== process.pid)
    throw new Error(
      `Agent Nexus already runs on ${folder} (process ${pid}). Stop it, or set NEXUS_STATE_FOLDER to another folder.`,
    );
  writeFileSync(file, String(process.pid));
  return () => rmSync(file, { force: true });
}

function readPid(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}
