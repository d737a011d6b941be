import { openDatabase } from '@nexus/common/postgres/open-database';
import { createKey } from '@nexus/common/principals/create-key';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import type { Scope } from '@nexus/common/principals/scope';

const quiet = { warn() {}, info() {} };

/** The token of a new key, as the command line makes it. */
export async function makeKey(
  databaseUrl: string,
  scopes: readonly Scope[],
  workspaceId = defaultWorkspaceId,
): Promise<string> {
  const { database, close } = openDatabase(databaseUrl, { poolSize: 1, name: 'test', logger: quiet });
  try {
    const key = { workspaceId, name: 'Test', scopes: [...scopes], agentIds: [], expiresAt: null, createdById: null };
    return (await createKey(database, key)).token;
  } finally {
    await close();
  }
}
