import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Logger } from './create-logger.ts';
import { PrismaClient } from './generated/client.ts';
import { postgresLimits } from './postgres-limits.ts';
import { createQueryRaw, toStatementName } from './query-raw.ts';

export { Prisma } from './generated/client.ts';
export type { PrismaClient };

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
    ...postgresLimits,
  });
  const onError = (error: Error) => options.logger.warn({ error }, 'lost a database connection');
  pool.on('error', onError); // Prisma listens only once a query of its own has gone through
  const adapter = new PrismaPg(pool, {
    onConnectionError: onError,
    statementNameGenerator: ({ sql }) => toStatementName(sql),
  });
  const prisma = new PrismaClient({ adapter });
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
