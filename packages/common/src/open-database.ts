import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Logger } from './create-logger.ts';
import { PrismaClient } from './generated/client.ts';
import { postgresLimits } from './postgres-limits.ts';

export { Prisma } from './generated/client.ts';
export type { PrismaClient };

/** A Prisma client over a pool of its own. Nothing is connected before the first query; a lost connection is replaced by the next. */
export function openDatabase(
  url: string,
  options: { poolSize: number; name: string; logger: Pick<Logger, 'warn'> },
): { database: PrismaClient; pool: pg.Pool; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize,
    application_name: options.name,
    ...postgresLimits,
  });
  const onError = (error: Error) => options.logger.warn({ error }, 'lost a database connection');
  const adapter = new PrismaPg(pool, {
    onPoolError: onError,
    onConnectionError: onError,
    statementNameGenerator: toStatementName,
  });
  const database = new PrismaClient({ adapter });
  return {
    database,
    pool,
    async close() {
      await database.$disconnect();
      await pool.end();
    },
  };
}

const statementNames = new Map<string, string>();

/** Prepared once per connection. Texts are few: every statement of ours has a fixed text. */
function toStatementName({ sql }: { sql: string }): string {
  let name = statementNames.get(sql);
  if (name === undefined) {
    name = createHash('sha1').update(sql).digest('base64url');
    if (statementNames.size < 1_000) statementNames.set(sql, name);
  }
  return name;
}
