import type { PrismaClient } from './open-database.ts';

/** Resolves when Postgres takes writes: whoever takes none refuses to lock a row as well, even where there is none to lock. */
export async function pingDatabase(database: Pick<PrismaClient, '$queryRaw'>): Promise<void> {
  await database.$queryRaw`SELECT FROM workspace WHERE false FOR UPDATE`;
}
