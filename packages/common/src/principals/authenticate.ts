import { AppError } from '../errors/app-error.ts';
import { isGood, type KeyCache } from './key-cache.ts';
import { isSecretOf, parseKeyToken } from './key-token.ts';
import type { EffectiveKey } from './load-keys.ts';
import type { Principal } from './principal.ts';

/** The one answer for every token that is not good: what is wrong with it helps only a thief. */
export function notAuthenticated(): AppError {
  return new AppError('unauthorized', 'The token is not valid: expected a key that is neither revoked nor expired');
}

/** The principal of a key's token. Throws `unauthorized`. */
export async function authenticateKey(
  cache: Pick<KeyCache, 'get'>,
  token: string,
  now = Date.now(),
): Promise<Principal> {
  const parsed = parseKeyToken(token);
  const key = parsed && (await cache.get(parsed.keyId));
  if (!parsed || !isGood(key, now) || !isCurrent(key, parsed.secret, now)) throw notAuthenticated();
  return toPrincipal(key);
}

export function toPrincipal({ id, workspaceId, scopes, agentIds }: EffectiveKey): Principal {
  return { workspaceId, keyId: id, scopes, agentIds, conversationId: null, userId: null };
}

/** After a rotation the secret before it stays good for a while. */
function isCurrent(key: EffectiveKey, secret: Buffer, now: number): boolean {
  if (isSecretOf(secret, key.hash)) return true;
  return key.previousHashUntil !== null && key.previousHashUntil > now && isSecretOf(secret, key.previousHash);
}
