import type { Summary } from '../figures/summarize.ts';

const columns: [string, (summary: Summary) => number, digits: number][] = [
  ['first p50', ({ firstChunkP50 }) => firstChunkP50, 1],
  ['p99 ms', ({ firstChunkP99 }) => firstChunkP99, 1],
  ['age p50', ({ ageP50 }) => ageP50, 2],
  ['p99 ms', ({ ageP99 }) => ageP99, 1],
  ['POST p50', ({ acceptedP50 }) => acceptedP50, 2],
  ['p99 ms', ({ acceptedP99 }) => acceptedP99, 1],
  ['answers/s', ({ perSecond }) => perSecond, 1],
  ['CPU own', ({ cpuOwn }) => cpuOwn, 2],
  ['all ms', ({ cpuTotal }) => cpuTotal, 2],
  ['own MB', ({ memoryOwn }) => memoryOwn / 1e6, 0],
];

/** A row for each subject, and the system as multiples of plain. */
export function toLoadTable(summaries: Record<string, Summary>): string[] {
  const row = (name: string, cells: string[]) => `${name.padEnd(8)}${cells.map((cell) => cell.padStart(10)).join('')}`;
  const titles = columns.map(([title]) => title);
  const lines = [row('', titles)];
  for (const [name, summary] of Object.entries(summaries)) {
    const cells = columns.map(([, of, digits]) => of(summary).toFixed(digits));
    lines.push(row(name, cells));
  }
  const { nexus, plain } = summaries;
  if (nexus && plain) {
    const ratios = columns.map(([, of]) => (of(nexus) / of(plain)).toFixed(2));
    lines.push(row('× plain', ratios));
  }
  for (const [name, { cpuByRole }] of Object.entries(summaries))
    lines.push(...toRolesLine(`CPU ms per answer, ${name}`, cpuByRole, 2));
  for (const [name, { memoryMbByRole }] of Object.entries(summaries))
    lines.push(...toRolesLine(`memory MB, ${name}`, memoryMbByRole, 0));
  return lines;
}

/** None for a subject without processes of its own. */
function toRolesLine(title: string, byRole: Record<string, number>, digits: number): string[] {
  const roles = Object.entries(byRole).map(([role, value]) => `${role} ${value.toFixed(digits)}`);
  return roles.length > 0 ? [`${title}: ${roles.join(' · ')}`] : [];
}
