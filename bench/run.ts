import { styleText } from 'node:util';
import { loadPhases } from './phases/load-phases.ts';
import { runLoadPhase } from './phases/run-load-phase.ts';
import { readBenchOptions } from './read-options.ts';
import { toLoadTable } from './report/load-table.ts';
import { openBench } from './stack/open-bench.ts';
import { createReleases } from './stack/releases.ts';

const say = (line: string) => console.log(styleText('gray', `  ${line}`));
const { release, closeAll } = createReleases();

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void closeAll().finally(() => process.exit(1)));
}

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 1;
} finally {
  await closeAll();
}
process.exit();

async function run(): Promise<void> {
  const all = loadPhases(1).map(({ name }) => name);
  const options = readBenchOptions(process.argv.slice(2), all);
  say('starting Postgres, Redis, the provider, the system and the baselines');
  const bench = await openBench(release);
  for (const phase of loadPhases(options.scale)) {
    if (options.phases && !options.phases.includes(phase.name)) continue;
    const result = await runLoadPhase(phase, bench.subjects, options.rounds, say);
    console.log(toLoadTable(result).join('\n'));
  }
}
