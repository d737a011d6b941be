import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts the CPU time of a process in hundredths of a second. */
const msPerTick = 10;

type Times = { parent: number; own: number; reaped: number };

function readTimes(pid: number | string): Times | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent = 0, user = 0, system = 0, childUser = 0, childSystem = 0] = [1, 11, 12, 13, 14].map(
      (i) => fields[i],
    );
    return { parent, own: (user + system) * msPerTick, reaped: (childUser + childSystem) * msPerTick };
  } catch {
    return null;
  }
}

/** A process and its live children. */
function processTree(pid: number): number[] {
  const found = [pid];
  for (const entry of readdirSync('/proc')) {
    if (/^\d+$/.test(entry) && readTimes(entry)?.parent === pid) found.push(Number(entry));
  }
  return found;
}

/** CPU milliseconds, user and system, of a process and its children, also the ended ones: Postgres forks for each connection. */
export function cpuMs(pid: number): number {
  const reaped = readTimes(pid)?.reaped ?? 0;
  return processTree(pid).reduce((sum, each) => sum + (readTimes(each)?.own ?? 0), reaped);
}

/** Resident bytes of one process. */
export function rssBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}
