import type { Queryable } from '@nexus/common/postgres/queryable';
import { z } from 'zod';

/** Passes statements on, and keeps the rows that each brought. */
export function recordRows(database: Queryable): { database: Queryable; results: unknown[][] } {
  const results: unknown[][] = [];
  return {
    results,
    database: {
      async query<Row>(strings: TemplateStringsArray, ...values: unknown[]): Promise<Row[]> {
        const rows = await database.query<Row>(strings, ...values);
        results.push(rows);
        return rows;
      },
    },
  };
}

/**
 * One statement of a file: its `Row`, a strict schema of it, and calls that bring rows of it. Between them the calls bring every variant that the
 * statement has, such as a value and null.
 */
export type Statement = { file: string; row: z.ZodType; run(database: Queryable): Promise<unknown> };

export function statementOf<Row>(file: string, row: z.ZodType<Row>, run: Statement['run']): Statement {
  return { file, row, run };
}

/** Runs it and parses what came. Fails where it brought no row at all, as then nothing was checked. */
export async function checkRows({ row, run }: Statement, database: Queryable): Promise<void> {
  const recorder = recordRows(database);
  await run(recorder.database);
  const rows = recorder.results.flat();
  if (rows.length === 0) throw new Error('the statement brought no rows');
  z.array(row).parse(rows);
}
