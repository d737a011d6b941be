import { parseConfig } from '@nexus/common/config/parse-config';
import { type Database, openDatabase } from '@nexus/common/postgres/open-database';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import { hashSecret, parseKeyToken } from '@nexus/common/principals/key-token';
import { scopes } from '@nexus/common/principals/scope';
import { writeAuditEntry } from '@nexus/common/principals/write-audit-entry';
import { z } from 'zod';
import { readDatabaseUrl } from '../prisma/read-database-url.ts';

const quiet = { warn() {}, info() {} };

const firstKeySchema = z.object({
  NEXUS_FIRST_KEY: z
    .string()
    .refine((token) => parseKeyToken(token) !== null, 'expected a token as `npm run keys -- new-token` prints it')
    .optional(),
});

/** Stores the key of this token with every scope, where it is not stored yet. Returns whether it was new. */
export async function storeFirstKey(database: Database, token: string): Promise<boolean> {
  const parsed = parseKeyToken(token);
  if (!parsed) throw new Error('NEXUS_FIRST_KEY is not the token of a key');
  const { keyId: id, secret } = parsed;
  const hash = new Uint8Array(hashSecret(secret));
  const data = {
    id,
    workspaceId: defaultWorkspaceId,
    name: 'First key',
    hash,
    lastFour: token.slice(-4),
    scopes: [...scopes],
  };
  const { count } = await database.apiKey.createMany({ data, skipDuplicates: true });
  if (count > 0)
    await writeAuditEntry(database, {
      workspaceId: defaultWorkspaceId,
      keyId: null,
      action: 'key.created',
      targetId: id,
    });
  return count > 0;
}

if (import.meta.main) {
  const { NEXUS_FIRST_KEY } = parseConfig(firstKeySchema, process.env);
  if (NEXUS_FIRST_KEY === undefined) {
    console.log('NEXUS_FIRST_KEY is not set. Where NEXUS_AUTH is keys, nobody can call until there is a key.');
  } else {
    const { database, close } = openDatabase(readDatabaseUrl(process.env), {
      poolSize: 1,
      name: 'nexus-first-key',
      logger: quiet,
    });
    console.log(
      (await storeFirstKey(database, NEXUS_FIRST_KEY)) ? 'The first key is stored' : 'The first key was stored before',
    );
    await close();
  }
}
