import { parseArgs, styleText } from 'node:util';
import { allRows } from '../tests/chaos/all-rows.ts';
import { runRow } from '../tests/chaos/run-row.ts';
import { openTemplatePostgres } from '../tests/support/open-template-postgres.ts';
import { findRedis } from './local-stack/find-redis.ts';

type Result = { id: string; title: string; ok: boolean; measured: string; seconds: number };

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    seed: { type: 'string', default: '1' },
    short: { type: 'boolean', default: false },
  },
});
const wanted = values.rows?.split(',').map((id) => id.trim());
const rows = allRows.filter(
  ({ id }) => !wanted || wanted.some((each) => id === each || id.replace(/[a-z]+$/, '') === each),
);
if (rows.length === 0) {
  console.error(`--rows: expected some of ${allRows.map(({ id }) => id).join(', ')}`);
  process.exit(2);
}

await findRedis({ say: console.log });
const postgres = await openTemplatePostgres();
const results: Result[] = [];
try {
  for (const [index, row] of rows.entries()) {
    const heading = `[${index + 1}/${rows.length}] row ${row.id}: ${row.title}`;
    console.log(heading);
    const startedAt = performance.now();
    const say = (progress: string) => console.log(styleText('gray', `      ${progress}`));
    const tools = { scale: values.short ? 'short' : 'full', seed: Number(values.seed), say } as const;
    const outcome = await runRow(row, postgres.url, tools).then(
      (measured) => ({ ok: true, measured }),
      (error: unknown) => ({ ok: false, measured: error instanceof Error ? error.message : String(error) }),
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    results.push({ id: row.id, title: row.title, seconds, ...outcome });
    console.log(
      `      ${outcome.ok ? styleText('green', 'held') : styleText('red', 'BROKEN')} after ${seconds.toFixed(0)} s: ${outcome.measured}`,
    );
  }
} finally {
  await postgres.close();
}

console.log(`\n${'row'.padEnd(4)} ${''.padEnd(6)} ${'s'.padStart(4)}  fault / measured`);
for (const { id, ok, seconds, title, measured } of results) {
  console.log(
    `${id.padEnd(4)} ${(ok ? 'held' : 'BROKEN').padEnd(6)} ${seconds.toFixed(0).padStart(4)}  ${title}\n${' '.repeat(18)}${measured.split('\n')[0]}`,
  );
}
const broken = results.filter(({ ok }) => !ok).length;
console.log(`\n${results.length - broken} held, ${broken} broken (seed ${values.seed})`);
process.exit(broken > 0 ? 1 : 0);
