import { type Summary, summarize } from '../figures/summarize.ts';
import type { LoadResult } from '../phases/run-load-phase.ts';

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

/** A load phase as lines: a row for each subject, and the system as multiples of plain. */
export function toLoadTable(result: LoadResult): string[] {
  const summaries = Object.entries(result.rounds).map(([name, rounds]) => ({ name, summary: summarize(rounds) }));
  const row = (name: string, cells: string[]) =>
    `  ${name.padEnd(8)}${cells.map((cell) => cell.padStart(10)).join('')}`;
  const lines = [
    result.title,
    row(
      '',
      columns.map(([title]) => title),
    ),
    ...summaries.map(({ name, summary }) =>
      row(
        name,
        columns.map(([, of, digits]) => of(summary).toFixed(digits)),
      ),
    ),
  ];
  const [nexus, plain] = ['nexus', 'plain'].map((name) => summaries.find((each) => each.name === name)?.summary);
  if (nexus && plain) {
    lines.push(
      row(
        '× plain',
        columns.map(([, of]) => (of(nexus) / of(plain)).toFixed(2)),
      ),
    );
  }
  for (const { name, summary } of summaries) {
    const roles = Object.entries(summary.cpuByRole).map(([role, ms]) => `${role} ${ms.toFixed(2)}`);
    if (roles.length > 0) lines.push(`  CPU ms per answer, ${name}: ${roles.join(' · ')}`);
  }
  return lines;
}
