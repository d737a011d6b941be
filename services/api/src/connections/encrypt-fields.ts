import { newId } from '@nexus/common/postgres/new-id';
import { contextOf } from '@nexus/common/secrets/encrypted-columns';
import type { SecretRing } from '@nexus/common/secrets/secret-ring';

type Ring = Pick<SecretRing, 'encrypt'>;

const minShownLength = 12;

/** A key's row. Four characters of a short key would give too much of it away. */
export function encryptKey(ring: Ring, key: string) {
  const id = newId();
  const lastFour = key.length < minShownLength ? '' : key.slice(-4);
  return { id, lastFour, encrypted: ring.encrypt(key, contextOf('connectionKey', id)) };
}

/** The columns of a connection's headers. */
export function encryptHeaders(ring: Ring, id: string, headers: Record<string, string>) {
  const headerNames = Object.keys(headers);
  if (headerNames.length === 0) return { headers: null, headerNames };
  return { headers: ring.encrypt(JSON.stringify(headers), contextOf('connectionHeaders', id)), headerNames };
}
