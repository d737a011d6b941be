import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../generated/client.ts';
import type { Logger } from '../logging/create-logger.ts';
import { leaveReadOnly } from './leave-read-only.ts';
import { postgresLimits } from './postgres-limits.ts';
import { createQueryable, type Queryable, toStatementName } from './queryable.ts';
import { sessionSettings } from './session-settings.ts';

export { Prisma } from '../generated/client.ts';

/** Prisma's client, and beside it `query`, which is ours. */
export type Database = PrismaClient & Queryable;

/**
 * Every statement of ours has an index for its conditions. A plan lives as long as its connection, so a plan that was made for a small table would
 * scan the whole table for ever: forbid it. JIT compilation never pays for such short statements. The server also ends a statement, a little
 * after the client has given it up.
 */
const planSettings = `SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off;
  SET statement_timeout = ${postgresLimits.query_timeout + 2_000}`;

/** How long an idle connection stays open, in milliseconds. Opening one takes longer than storing a request. */
const keepIdleMs = 60_000;

/**
 * A Prisma client over a pool of its own, and `query` straight on the pool. Nothing is connected before the first query; a lost
 * connection is replaced by the next.
 */
export function openDatabase(
  url: string,
  options: { poolSize: number; name: string; logger: Pick<Logger, 'warn'> },
): { database: Database; pool: pg.Pool; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize,
    application_name: options.name,
    idleTimeoutMillis: keepIdleMs,
    ...postgresLimits,
    onConnect: (client) => client.query(`${sessionSettings}; ${planSettings}`) as unknown as undefined, // the pool waits for this promise, although the type says undefined
  });
  const onError = (error: Error) => options.logger.warn({ error }, 'lost a database connection');
  pool.on('error', onError); // Prisma adds its listener only after its first query
  leaveReadOnly(pool);
  const adapter = new PrismaPg(pool, {
    onConnectionError: onError,
    // A statement without parameters has its values in its text. Do not prepare it: each value would be another text with another plan.
    statementNameGenerator: ({ sql, args }) => (args.length > 0 ? toStatementName(sql) : ''),
  });
  // The other formats of errors quote what was to be stored.
  const prisma = new PrismaClient({ adapter, errorFormat: 'minimal' });
  const database: Database = Object.assign(prisma, createQueryable(pool));
  return {
    database,
    pool,
    async close() {
      await database.$disconnect();
      await pool.end();
    },
  };
}
