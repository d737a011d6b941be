import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../generated/client.ts';
import type { Logger } from '../logging/create-logger.ts';
import { leaveReadOnly } from './leave-read-only.ts';
import { postgresLimits } from './postgres-limits.ts';
import { createQueryRaw, toStatementName } from './query-raw.ts';
import { sessionSettings } from './session-settings.ts';

export { Prisma } from '../generated/client.ts';
export type { PrismaClient };

/**
 * Each statement of ours has an index for what it looks up. A plan is kept for as long as its connection: one that was made while a
 * table was small would go through all of it for ever. Compiling such short statements never pays. What nobody waits for any more ends
 * on the server too, after the client has given it up.
 */
const planSettings = `SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off;
  SET statement_timeout = ${postgresLimits.query_timeout + 2_000}`;

/** Whoever asks again within this long does not wait for a connection: to open one takes longer than to store a request. Milliseconds. */
const keepIdleMs = 60_000;

/**
 * A Prisma client over a pool of its own, its `$queryRaw` straight on the pool. Nothing is connected before the first query; a lost
 * connection is replaced by the next.
 */
export function openDatabase(
  url: string,
  options: { poolSize: number; name: string; logger: Pick<Logger, 'warn'> },
): { database: PrismaClient; pool: pg.Pool; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize,
    application_name: options.name,
    idleTimeoutMillis: keepIdleMs,
    ...postgresLimits,
    onConnect: (client) => client.query(`${sessionSettings}; ${planSettings}`) as unknown as undefined, // waited for, though the type does not say so
  });
  const onError = (error: Error) => options.logger.warn({ error }, 'lost a database connection');
  pool.on('error', onError); // Prisma listens only once a query of its own has gone through
  leaveReadOnly(pool);
  const adapter = new PrismaPg(pool, {
    onConnectionError: onError,
    // Without parameters the values stand in the text: there are as many texts as values, and each wants a plan of its own.
    statementNameGenerator: ({ sql, args }) => (args.length > 0 ? toStatementName(sql) : ''),
  });
  const prisma = new PrismaClient({ adapter, errorFormat: 'minimal' }); // the other formats quote what was to be stored
  const database = prisma.$extends({ client: { $queryRaw: createQueryRaw(pool) } }) as unknown as PrismaClient;
  return {
    database,
    pool,
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}
