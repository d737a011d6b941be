import { AppError } from '../errors/app-error.ts';
import { Prisma } from '../postgres/open-database.ts';
import type { Queryable } from '../postgres/queryable.ts';
import { contextOf, type EncryptedColumn, encryptedColumns } from './encrypted-columns.ts';
import type { SecretRing } from './secret-ring.ts';

type Database = Queryable;

export type Rotation = {
  /** Rows that were encrypted again. */
  rotated: number;
  /** Rows whose value was changed outside of the system: nobody can read them. */
  unreadable: { table: string; id: string }[];
};

const batchSize = 100;

/**
 * Encrypts everything with the newest secret, row by row, while the system runs: a row is written only where it still holds the value that was
 * read. A row that somebody else changes meanwhile is encrypted by that writer. Safe to stop and to repeat.
 */
export async function rotateSecrets(database: Database, ring: SecretRing): Promise<Rotation> {
  const total: Rotation = { rotated: 0, unreadable: [] };
  for (const name of Object.keys(encryptedColumns) as EncryptedColumn[]) {
    const { rotated, unreadable } = await rotateColumn(database, ring, name);
    total.rotated += rotated;
    total.unreadable.push(...unreadable);
  }
  return total;
}

async function rotateColumn(database: Database, ring: SecretRing, name: EncryptedColumn): Promise<Rotation> {
  const { table, column } = encryptedColumns[name];
  const [from, value] = [Prisma.raw(`"${table}"`), Prisma.raw(`"${column}"`)];
  const newest = `nxe1.${ring.ids[0]}.%`;
  const done: Rotation = { rotated: 0, unreadable: [] };
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const rows = await database.query<{ id: string; value: string }>`
      SELECT id, ${value} AS value FROM ${from} WHERE id > ${after}::uuid AND ${value} NOT LIKE ${newest}::text ORDER BY id LIMIT ${batchSize}::int`;
    for (const { id, value: old } of rows) {
      const renewed = renew(ring, old, contextOf(name, id));
      if (renewed === null) {
        done.unreadable.push({ table, id });
        continue;
      }
      const written = await database.query<unknown>`
        UPDATE ${from} SET ${value} = ${renewed}::text WHERE id = ${id}::uuid AND ${value} = ${old}::text RETURNING id`;
      done.rotated += written.length;
    }
    const last = rows.at(-1);
    if (!last || rows.length < batchSize) return done;
    after = last.id;
  }
}

/** null: the value was changed outside of the system. Throws `secret_missing`. */
function renew(ring: SecretRing, old: string, context: string): string | null {
  try {
    return ring.encrypt(ring.decrypt(old, context), context);
  } catch (error) {
    if (error instanceof AppError && error.code === 'internal_error') return null;
    throw error;
  }
}
