import { newId } from '../postgres/new-id.ts';
import type { Database } from '../postgres/open-database.ts';
import { createSecret, formatKeyToken, hashSecret } from './key-token.ts';
import type { Scope } from './scope.ts';

export type NewKey = {
  workspaceId: string;
  name: string;
  scopes: Scope[];
  /** Empty: every agent of the workspace. */
  agentIds: string[];
  expiresAt: Date | null;
  /** null: made on the command line. */
  createdById: string | null;
};

const hiddenFields = { hash: true, previousHash: true, previousHashUntil: true } as const;

/** The key's row, without its hashes, and its token, which nobody can read again. */
export async function createKey(database: Pick<Database, 'apiKey'>, key: NewKey) {
  const id = newId();
  const { token, hash, lastFour } = createToken(id);
  const row = await database.apiKey.create({ data: { id, ...key, hash, lastFour }, omit: hiddenFields });
  return { row, token };
}

/** A new secret for a key: what is stored of it, and what is shown once. */
export function createToken(keyId: string): { token: string; hash: Uint8Array<ArrayBuffer>; lastFour: string } {
  const secret = createSecret();
  const token = formatKeyToken({ keyId, secret });
  return { token, hash: new Uint8Array(hashSecret(secret)), lastFour: token.slice(-4) };
}

export { hiddenFields as hiddenKeyFields };
