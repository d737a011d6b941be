import type { Database } from '@nexus/common/postgres/open-database';
import type { SecretRing } from '@nexus/common/secrets/secret-ring';
import { invalidField } from '../http/invalid-field.ts';
import type { KeyInput } from './connection-input.ts';
import { encryptKey } from './encrypt-fields.ts';

export type StoredKey = { id: string; lastFour: string };

/** Leaves a connection with exactly the wanted keys: stored ones by their ids, new ones encrypted, in this order. */
export async function replaceKeys(
  transaction: Pick<Database, 'connectionKey'>,
  ring: Pick<SecretRing, 'encrypt'>,
  connectionId: string,
  stored: StoredKey[],
  wanted: KeyInput[],
): Promise<void> {
  const kept = wanted.flatMap((key) => ('id' in key ? [key.id] : []));
  const foreign = wanted.findIndex((key) => 'id' in key && !stored.some(({ id }) => id === key.id));
  if (foreign >= 0) throw invalidField(`keys.${foreign}.id`, 'is not the id of a key of this connection');
  await transaction.connectionKey.deleteMany({ where: { connectionId, id: { notIn: kept } } });
  for (const [position, key] of wanted.entries()) {
    if ('id' in key) await transaction.connectionKey.update({ where: { id: key.id }, data: { position } });
    else await transaction.connectionKey.create({ data: { connectionId, position, ...encryptKey(ring, key.key) } });
  }
}
