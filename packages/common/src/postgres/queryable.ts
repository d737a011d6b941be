import { createHash } from 'node:crypto';
import pg from 'pg';
import { Prisma } from '../generated/client.ts';

/** Runs statements that we write ourselves, on the driver: Prisma has no part in it. */
export type Queryable = {
  /**
   * Runs the statement and resolves to its rows. Fragments made with `Prisma.sql` may be part of it. Nothing checks `Row` at run time;
   * `tests/statements/rows.test.ts` holds each against Postgres. Without a `Row` the rows cannot be used.
   */
  query<Row = unknown>(strings: TemplateStringsArray, ...values: unknown[]): Promise<NoInfer<Row>[]>;
};

/**
 * Straight on the pool, as a statement cost 270–430 µs through Prisma's client and 50–100 with the driver itself. Each is a transaction
 * of its own, prepared once per connection. Values come as Prisma gives them (BigInt for int8, Date, parsed JSON).
 */
export function createQueryable(pool: pg.Pool): Queryable {
  return {
    async query<Row>(strings: TemplateStringsArray, ...values: unknown[]) {
      const { text, values: parameters } = Prisma.sql(strings, ...values);
      const { rows } = await pool.query({ name: toStatementName(text), text, values: parameters, types });
      return rows as Row[];
    },
  };
}

const types: pg.CustomTypesConfig = {
  getTypeParser: (id: number, format?: 'text' | 'binary') =>
    id === pg.types.builtins.INT8 ? BigInt : pg.types.getTypeParser(id, format as 'text'),
};

const statementNames = new Map<string, string>();

/** Texts are few: each statement of ours has one, or a few. */
export function toStatementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = createHash('sha1').update(text).digest('base64url');
    if (statementNames.size < 1_000) statementNames.set(text, name);
  }
  return name;
}
