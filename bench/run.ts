import { styleText } from 'node:util';
import { allPhases } from './phases/all-phases.ts';
import type { Phase, PhaseResult, PhaseTools } from './phases/phase.ts';
import { warmUp } from './phases/warm-up.ts';
import { type BenchOptions, readBenchOptions } from './read-options.ts';
import { toFigureTable } from './report/figure-table.ts';
import { type Report, writeReport } from './report/write-report.ts';
import { openBench } from './stack/open-bench.ts';
import { createReleases } from './stack/releases.ts';

const { release, closeAll } = createReleases();
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping = true;
    void closeAll().finally(() => process.exit(1));
  });
}

try {
  const known = allPhases.map(({ name }) => name);
  await run(readBenchOptions(process.argv.slice(2), known));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await closeAll();
}
process.exit();

async function run(options: BenchOptions): Promise<void> {
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 1_000);
  const say = (line: string) => console.log(styleText('gray', `  ${String(seconds()).padStart(4)} s  ${line}`));
  say('starting Postgres, Redis, the provider, the system and the baseline');
  const bench = await openBench(release);
  await warmUp(bench, say);
  const results: Report['results'] = [];
  const failed: string[] = [];
  for (const phase of allPhases) {
    if (options.phases && !options.phases.includes(phase.name)) continue;
    try {
      const result = await runPhase(phase, { bench, rounds: options.rounds, scale: options.scale, say });
      results.push({ name: phase.name, title: phase.title, ...result });
    } catch (error) {
      if (stopping) return;
      failed.push(phase.name);
      console.error(error);
    }
  }
  const figures = results.flatMap((result) => result.figures);
  const files = await writeReport({ options, results, failed, seconds: seconds() }, bench);
  console.log(`\n${files.join('\n')}\nThe run took ${seconds()} s.\n\n${toFigureTable(figures).join('\n')}`);
  if (failed.length > 0) throw new Error(`not measured, the reasons are above: ${failed.join(', ')}`);
}

async function runPhase(phase: Phase, tools: Omit<PhaseTools, 'release'>): Promise<PhaseResult> {
  const own = createReleases();
  console.log(`\n${styleText('bold', phase.title)}`);
  try {
    const result = await phase.run({ ...tools, release: own.release });
    console.log(result.lines.map((line) => `  ${line}`).join('\n'));
    return result;
  } finally {
    await own.closeAll();
  }
}
