import { AppError } from '../errors/app-error.ts';
import { Prisma } from '../postgres/open-database.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { encryptedColumns } from './encrypted-columns.ts';
import type { SecretRing } from './secret-ring.ts';

/** How many rows of a table need a secret of the ring. */
export type SecretUse = { secretId: string; table: string; rows: number };

/** Reads the ids alone: nothing is decrypted. */
export async function loadSecretUses(database: Queryable): Promise<SecretUse[]> {
  const perColumn = Object.values(encryptedColumns).map(({ table, column }) => {
    const [name, value] = [Prisma.raw(`"${table}"`), Prisma.raw(`"${column}"`)];
    return Prisma.sql`SELECT split_part(${value}, '.', 2) AS "secretId", ${table}::text AS "table", count(*)::int AS rows
      FROM ${name} WHERE ${value} IS NOT NULL GROUP BY 1`;
  });
  return database.query<SecretUse>`${Prisma.join(perColumn, ' UNION ALL ')} ORDER BY 1, 2`;
}

/** Throws `secret_missing`, with the id of each secret that stored values need and the ring lacks. */
export async function assertRingComplete(database: Queryable, { ids }: Pick<SecretRing, 'ids'>): Promise<void> {
  const missing = (await loadSecretUses(database)).filter(({ secretId }) => !ids.includes(secretId));
  if (missing.length === 0) return;
  const named = missing.map(({ secretId, table, rows }) => `${secretId} (${rows} × ${table})`).join(', ');
  throw new AppError(
    'secret_missing',
    `NEXUS_SECRETS ${ids.length === 0 ? 'is not set' : 'lacks secrets'}; stored values need ${named}`,
  );
}
