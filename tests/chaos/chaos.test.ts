import { describe, inject, it } from 'vitest';
import { allRows } from './all-rows.ts';
import { runRow } from './run-row.ts';

/** The short form of `npm run chaos`: every row that takes seconds rather than minutes. */
describe('nothing is lost', () => {
  for (const row of allRows) {
    it.skipIf(row.long)(
      `row ${row.id}: ${row.title}${row.long ? ' (takes a minute or more: npm run chaos)' : ''}`,
      async () => {
        await runRow(row, inject('postgresUrl'), { scale: 'short', seed: 1, say: () => {} });
      },
      120_000,
    );
  }
});
