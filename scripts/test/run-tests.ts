import { startVitest } from 'vitest/node';
import { countResults } from './count-results.ts';

/** Runs the tests that the filters name, prints the counts as the last line, and resolves with the exit code. A run without any test has failed. */
export async function runTests(filters: string[], config?: string): Promise<number> {
  const options = { run: true, watch: false, ...(config === undefined ? {} : { config }) };
  const vitest = await startVitest('test', filters, options);
  const { passed, failed, skipped, broken } = countResults(
    vitest.state.getTestModules(),
    vitest.state.getUnhandledErrors().length,
  );
  await vitest.close();
  const nothing = passed + failed === 0;
  const failures = failed + broken + (nothing ? 1 : 0);
  console.log(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failures > 0 ? 1 : 0;
}
