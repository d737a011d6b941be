import { newId } from '@nexus/common/postgres/new-id';
import { openDatabase } from '@nexus/common/postgres/open-database';
import { createSecret, formatKeyToken } from '@nexus/common/principals/key-token';
import { storeFirstKey } from '../../deploy/first-key.ts';
import { keepSecret } from './keep-secret.ts';

const quiet = { warn() {}, info() {} };

/** The token of a key with every scope, which this state folder's database knows: made at the first start that asks for keys. */
export async function openStartKey(databaseUrl: string, stateFolder: string): Promise<string> {
  const token = keepSecret(`${stateFolder}/first-key`, () =>
    formatKeyToken({ keyId: newId(), secret: createSecret() }),
  );
  const { database, close } = openDatabase(databaseUrl, { poolSize: 1, name: 'nexus-start', logger: quiet });
  try {
    await storeFirstKey(database, token);
  } finally {
    await close();
  }
  return token;
}
