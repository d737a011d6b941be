import type { Queryable } from './queryable.ts';

/** Resolves if Postgres takes writes. A read-only server also refuses to lock rows, even if no row matches. */
export async function pingDatabase(database: Queryable): Promise<void> {
  await database.query`SELECT FROM workspace WHERE false FOR UPDATE`;
}
