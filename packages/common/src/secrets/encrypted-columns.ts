/** Every column whose values the ring encrypts: check, rotation and the services' start go through this list. Each table has an `id`. */
export const encryptedColumns = {
  connectionHeaders: { table: 'connection', column: 'headers' },
  connectionKey: { table: 'connection_key', column: 'encrypted' },
} as const;

export type EncryptedColumn = keyof typeof encryptedColumns;

/** What a value is bound to: it decrypts only in the column and the row that it was encrypted for. */
export function contextOf(name: EncryptedColumn, id: string): string {
  const { table, column } = encryptedColumns[name];
  return `${table}.${column} ${id}`;
}
