import { startVitest } from 'vitest/node';
import { findRedis } from './local-stack/find-redis.ts';
import { countResults } from './test/count-results.ts';

/** What `npm test` runs: everything, or what the arguments name. Ends with a plain line of counts. */
try {
  await findRedis(console.log);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

const vitest = await startVitest('test', process.argv.slice(2), { run: true, watch: false });
const { passed, failed, skipped, broken } = countResults(
  vitest.state.getTestModules(),
  vitest.state.getUnhandledErrors().length,
);
await vitest.close();
const nothing = passed + failed === 0;
console.log(
  `${passed} passed, ${failed + broken + (nothing ? 1 : 0)} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exit(failed + broken > 0 || nothing ? 1 : 0);
