import type { PrismaClient } from './open-database.ts';

/** Resolves if Postgres takes writes. A read-only server also refuses to lock rows, even if no row matches. */
export async function pingDatabase(database: Pick<PrismaClient, '$queryRaw'>): Promise<void> {
  await database.$queryRaw`SELECT FROM workspace WHERE false FOR UPDATE`;
}
