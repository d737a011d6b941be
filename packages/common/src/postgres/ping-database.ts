import type { PrismaClient } from './open-database.ts';

/** Resolves when Postgres takes writes. A server that takes none refuses to lock rows as well, even where no row matches. */
export async function pingDatabase(database: Pick<PrismaClient, '$queryRaw'>): Promise<void> {
  await database.$queryRaw`SELECT FROM workspace WHERE false FOR UPDATE`;
}
