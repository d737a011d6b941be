import { rmSync } from 'node:fs';
import { newId } from '@nexus/common/postgres/new-id';
import { openDatabase } from '@nexus/common/postgres/open-database';
import { createSecret, formatKeyToken } from '@nexus/common/principals/key-token';
import { storeFirstKey } from '../../deploy/first-key.ts';
import { keepSecret } from './keep-secret.ts';

const quiet = { warn() {}, info() {} };

/** The token of a key with every scope that counts in this state folder's database: made where there is none, or where the last one has ended. */
export async function openStartKey(databaseUrl: string, stateFolder: string): Promise<string> {
  const file = `${stateFolder}/first-key`;
  const { database, close } = openDatabase(databaseUrl, { poolSize: 1, name: 'nexus-start', logger: quiet });
  try {
    const token = keepSecret(file, makeToken);
    if ((await storeFirstKey(database, token)) !== 'ended') return token;
    rmSync(file);
    const next = keepSecret(file, makeToken);
    await storeFirstKey(database, next);
    return next;
  } finally {
    await close();
  }
}

function makeToken(): string {
  return formatKeyToken({ keyId: newId(), secret: createSecret() });
}
