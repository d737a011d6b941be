import type { TestModule } from 'vitest/node';

/** `broken` counts files that did not run, and errors that belong to no test. A run with any of them has failed. */
export type Counts = { passed: number; failed: number; skipped: number; broken: number };

export function countResults(modules: TestModule[], unhandledErrors: number): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0, broken: unhandledErrors };
  for (const module of modules) {
    const before = counts.failed;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed' || state === 'failed' || state === 'skipped') counts[state] += 1;
    }
    if (!module.ok() && counts.failed === before) counts.broken += 1;
  }
  return counts;
}
