import { readFileSync } from 'node:fs';

/** Whether this process lives and runs that program. The system may have given the pid to another program; without /proc we cannot know. */
export function isAlive(pid: number, program: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program);
  } catch {
    return true;
  }
}

/** Signals a process that is not our child, and resolves when it is gone. Throws if it does not end within the limit. */
export async function endProcess(pid: number, program: string, signal: NodeJS.Signals, limitMs: number): Promise<void> {
  process.kill(pid, signal);
  for (const end = performance.now() + limitMs; isAlive(pid, program); ) {
    if (performance.now() > end)
      throw new Error(`${program} (process ${pid}), left over from an earlier start, does not stop`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
