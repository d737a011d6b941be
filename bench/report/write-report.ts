import { mkdir, writeFile } from 'node:fs/promises';
import { root } from '../../scripts/start/read-options.ts';
import { type Figure, isMet } from '../figures/figure.ts';
import type { PhaseResult } from '../phases/phase.ts';
import type { BenchOptions } from '../read-options.ts';
import type { Bench } from '../stack/open-bench.ts';
import { type Circumstances, describeCircumstances } from './circumstances.ts';
import { drawPage } from './draw-page.ts';

export type Report = {
  options: BenchOptions;
  results: (PhaseResult & { name: string; title: string })[];
  /** Phases that gave no result. */
  failed: string[];
  seconds: number;
};

/** One JSON and one page. Only a whole run at full length replaces the committed ones. */
export async function writeReport({ options, results, failed, seconds }: Report, bench: Bench): Promise<string[]> {
  const circumstances = await describeCircumstances(bench);
  const figures = results.flatMap((result) => result.figures);
  const isWhole = options.phases === null && options.scale === 1 && failed.length === 0;
  const base = `bench/results/${isWhole ? 'latest' : 'partial'}`;
  await mkdir(`${root}bench/results`, { recursive: true });
  const content = {
    howMeasured: 'bench/README.md',
    circumstances,
    options,
    failed,
    seconds: Math.round(seconds),
    figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })),
    phases: Object.fromEntries(results.map(({ name, title, data }) => [name, { title, data }])),
  };
  await writeFile(`${root}${base}.json`, `${JSON.stringify(content, rounded, 1)}\n`);
  await writeFile(`${root}${base}.svg`, toPage(circumstances, options, figures, results));
  return [`${base}.json`, `${base}.svg`];
}

function toPage(
  { date, commit, cpus, memoryGb, node, postgres, redis }: Circumstances,
  { rounds, seed }: BenchOptions,
  figures: Figure[],
  results: Report['results'],
): string {
  return drawPage({
    heading: 'Agent Nexus, measured against plain, direct and raw',
    notes: [
      `${date} · commit ${commit} · ${cpus} CPUs shared by servers, processes and clients, ${memoryGb} GB · Node ${node} · Postgres ${postgres} (fsync on) · Redis ${redis} (AOF)`,
      `Medians of ${rounds} rounds in which all take turns, seed ${seed}. Compare bars of one panel with each other; how each is measured: bench/README.md`,
    ],
    figures,
    panels: results.flatMap(({ panels }) => panels),
  });
}

/** Four figures are more than a run can tell apart. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
