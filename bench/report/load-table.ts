import type { Summary } from '../figures/summarize.ts';
import { toTable } from './to-table.ts';

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

/** A row for each subject and one with the ratios, then CPU and memory by role. */
export function toLoadTable(summaries: { nexus: Summary; plain: Summary }): string[] {
  const { nexus, plain } = summaries;
  const cells = (summary: Summary) => columns.map(([, of, digits]) => of(summary).toFixed(digits));
  const byRole = (roles: Record<string, number>, digits: number) =>
    Object.entries(roles).map(([role, value]) => `${role} ${value.toFixed(digits)}`);
  return [
    ...toTable([
      ['', ...columns.map(([title]) => title)],
      ['nexus', ...cells(nexus)],
      ['plain', ...cells(plain)],
      ['× plain', ...columns.map(([, of]) => (of(nexus) / of(plain)).toFixed(2))],
    ]),
    ...Object.entries(summaries).flatMap(([name, { cpuByRole, memoryMbByRole }]) => [
      `CPU ms per answer, ${name}: ${byRole(cpuByRole, 2).join(' · ')}`,
      `memory MB, ${name}: ${byRole(memoryMbByRole, 0).join(' · ')}`,
    ]),
  ];
}
