import type { Queryable } from './queryable.ts';

/** Resolves when Postgres takes writes. A server that takes none refuses to lock rows as well, even where no row matches. */
export async function pingDatabase(database: Queryable): Promise<void> {
  await database.query`SELECT FROM workspace WHERE false FOR UPDATE`;
}
