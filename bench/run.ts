import { styleText } from 'node:util';
import { allPhases } from './phases/all-phases.ts';
import type { PhaseResult } from './phases/phase.ts';
import { warmUp } from './phases/warm-up.ts';
import { type BenchOptions, readBenchOptions } from './read-options.ts';
import { toFigureTable } from './report/figure-table.ts';
import { type Report, writeReport } from './report/write-report.ts';
import { type Bench, openBench } from './stack/open-bench.ts';
import { createReleases } from './stack/releases.ts';

const options = readOptions();
const { release, closeAll } = createReleases();
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping = true;
    void closeAll().finally(() => process.exit(1));
  });
}

try {
  await run(options);
} catch (error) {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exitCode = 1;
} finally {
  await closeAll();
}
process.exit();

function readOptions(): BenchOptions {
  try {
    return readBenchOptions(
      process.argv.slice(2),
      allPhases.map(({ name }) => name),
    );
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

async function run(options: BenchOptions): Promise<void> {
  const startedAt = performance.now();
  const say = createSay(startedAt);
  say('starting Postgres, Redis, the provider, the system and the baselines');
  const bench = await openBench(release);
  await warmUp(bench, say);
  const results: Report['results'] = [];
  const failed: string[] = [];
  for (const phase of allPhases) {
    if (options.phases && !options.phases.includes(phase.name)) continue;
    try {
      const result = await runPhase(phase, bench, options, say);
      results.push({ name: phase.name, title: phase.title, ...result });
    } catch (error) {
      if (stopping) return;
      failed.push(phase.name);
      console.error(error instanceof Error ? (error.stack ?? error.message) : error);
    }
  }
  const figures = results.flatMap((result) => result.figures);
  console.log(`\n${toFigureTable(figures).join('\n')}`);
  const files = await writeReport(
    { options, results, failed, seconds: (performance.now() - startedAt) / 1_000 },
    bench,
  );
  console.log(`\n${files.join('\n')}`);
  if (failed.length > 0) throw new Error(`not measured, see above why: ${failed.join(', ')}`);
}

async function runPhase(
  phase: (typeof allPhases)[number],
  bench: Bench,
  { rounds, scale, seed }: BenchOptions,
  say: (line: string) => void,
): Promise<PhaseResult> {
  const own = createReleases();
  console.log(`\n${styleText('bold', phase.title)}`);
  try {
    const result = await phase.run({ bench, rounds, scale, seed, say, release: own.release });
    console.log(result.lines.map((line) => `  ${line}`).join('\n'));
    return result;
  } finally {
    await own.closeAll();
  }
}

function createSay(startedAt: number): (line: string) => void {
  return (line) => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    console.log(styleText('gray', `  ${String(seconds).padStart(4)} s  ${line}`));
  };
}
