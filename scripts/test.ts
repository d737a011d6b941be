import { findRedis } from './local-stack/find-redis.ts';
import { runTests } from './test/run-tests.ts';

/** `npm test`: runs all tests, or those that the arguments name. Its last line has the counts. */
try {
  await findRedis({ say: console.log });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exit(1);
}

process.exit(await runTests(process.argv.slice(2)));
