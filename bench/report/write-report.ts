import { mkdir, writeFile } from 'node:fs/promises';
import { root } from '../../scripts/start/read-options.ts';
import { isMet } from '../figures/figure.ts';
import type { PhaseResult } from '../phases/phase.ts';
import type { BenchOptions } from '../read-options.ts';
import type { Bench } from '../stack/open-bench.ts';
import { type Circumstances, describeCircumstances } from './circumstances.ts';
import { drawFigures } from './draw-figures.ts';

export type Report = {
  options: BenchOptions;
  results: (PhaseResult & { name: string; title: string })[];
  /** Names of the phases that failed. */
  failed: string[];
  seconds: number;
};

/** Writes a JSON and a plot. Only a whole run at full length replaces the committed ones. */
export async function writeReport({ options, results, failed, seconds }: Report, bench: Bench): Promise<string[]> {
  const circumstances = describeCircumstances(bench);
  const figures = results.flatMap((result) => result.figures);
  const isWhole = options.phases === null && options.scale === 1 && failed.length === 0;
  const base = `bench/results/${isWhole ? 'latest' : 'partial'}`;
  await mkdir(`${root}bench/results`, { recursive: true });
  const content = {
    howMeasured: 'bench/README.md',
    circumstances,
    options,
    failed,
    seconds,
    figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })),
    phases: Object.fromEntries(results.map(({ name, title, data }) => [name, { title, data }])),
  };
  await writeFile(`${root}${base}.json`, `${JSON.stringify(content, rounded, 1)}\n`);
  await writeFile(`${root}${base}.svg`, drawFigures('Agent Nexus against its targets', toNote(circumstances), figures));
  return [`${base}.json`, `${base}.svg`];
}

function toNote({ date, commit, cpus, memoryGb, node, postgres, redis }: Circumstances): string {
  return `${date} · commit ${commit} · ${cpus} CPUs shared by servers, processes and clients, ${memoryGb} GB · Node ${node} · Postgres ${postgres} (fsync on) · Redis ${redis} (AOF) · how each is measured: bench/README.md`;
}

/** One run cannot tell more than four digits apart. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
