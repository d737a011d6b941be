import { parseConfig } from '@nexus/common/config/parse-config';
import { type Database, openDatabase } from '@nexus/common/postgres/open-database';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import { hashSecret, parseKeyToken } from '@nexus/common/principals/key-token';
import { scopes } from '@nexus/common/principals/scope';
import { writeAuditEntry } from '@nexus/common/principals/write-audit-entry';
import { z } from 'zod';
import { readDatabaseUrl } from '../prisma/read-database-url.ts';

const quiet = { warn() {}, info() {} };

const says: Record<FirstKeyState, string> = {
  stored: 'The first key is stored',
  'stored-before': 'The first key was stored before',
  ended: 'The first key was revoked or rotated: NEXUS_FIRST_KEY opens nothing. `npm run keys -- create` makes another.',
};

const firstKeySchema = z.object({
  NEXUS_FIRST_KEY: z
    .string()
    .refine((token) => parseKeyToken(token) !== null, 'expected a token as `npm run keys -- new-token` prints it')
    .optional(),
});

/** `ended`: it was revoked, or rotated to another secret. */
export type FirstKeyState = 'stored' | 'stored-before' | 'ended';

/** Stores the key of this token with every scope, where it is not stored yet. */
export async function storeFirstKey(database: Database, token: string): Promise<FirstKeyState> {
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
  if (count === 0) {
    const known = await database.apiKey.findUniqueOrThrow({ where: { id } });
    return known.revokedAt === null && Buffer.from(known.hash).equals(hash) ? 'stored-before' : 'ended';
  }
  await writeAuditEntry(database, {
    workspaceId: defaultWorkspaceId,
    keyId: null,
    action: 'key.created',
    targetId: id,
  });
  return 'stored';
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
    console.log(says[await storeFirstKey(database, NEXUS_FIRST_KEY)]);
    await close();
  }
}
