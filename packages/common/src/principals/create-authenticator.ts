import { AppError } from '../errors/app-error.ts';
import type { SecretRing } from '../secrets/secret-ring.ts';
import { authenticateKey, notAuthenticated, toPrincipal } from './authenticate.ts';
import { isGood, type KeyCache } from './key-cache.ts';
import { openPrincipal } from './open-principal.ts';
import type { Principal } from './principal.ts';
import { isShortToken, type ShortToken, verifyShortToken } from './short-token.ts';

/** Who calls, and until when that holds: milliseconds of the epoch, null without an end. */
export type Authenticated = { principal: Principal; expiresAt: number | null };

/** Where a token came from: a session's is good in its cookie alone, and a cookie is good for nothing else. */
export type TokenSource = 'caller' | 'cookie';

export type Authenticator = {
  /** Whether callers need a token. */
  readonly mode: 'keys' | 'off';
  /** Throws `unauthorized`. `token` null: none was sent. */
  authenticate(token: string | null, source?: TokenSource): Promise<Authenticated>;
  /** Calls back once, when what the principal rests on ends. Returns how to stop watching. */
  watch(authenticated: Authenticated, onEnd: () => void): () => void;
};

/** Longer than this a timer of Node's does not run. */
const maxTimerMs = 2_147_483_647;

export function createAuthenticator({
  mode,
  keys,
  ring,
}: {
  mode: 'keys' | 'off';
  keys: Pick<KeyCache, 'get' | 'watch' | 'noteUse'>;
  ring: SecretRing;
}): Authenticator {
  async function fromShortToken(token: string, source: TokenSource): Promise<Authenticated> {
    const short = await verifyShortToken(ring, token);
    if ((short.kind === 'session') !== (source === 'cookie')) throw notAuthenticated();
    if (short.keyId === null && mode === 'keys') throw notAuthenticated();
    const maker = short.keyId === null ? openPrincipal : await principalOfKey(short.keyId);
    return { principal: narrowed(maker, short), expiresAt: short.expiresAt };
  }

  async function principalOfKey(id: string): Promise<Principal> {
    const key = await keys.get(id);
    if (!isGood(key, Date.now())) throw notAuthenticated();
    keys.noteUse(id);
    return toPrincipal(key);
  }

  async function fromKey(token: string): Promise<Authenticated> {
    const principal = await authenticateKey(keys, token);
    if (principal.keyId !== null) keys.noteUse(principal.keyId);
    return { principal, expiresAt: null };
  }

  return {
    mode,
    async authenticate(token, source = 'caller') {
      if (token?.startsWith('nx_') && source === 'caller') return fromKey(token);
      if (token !== null && isShortToken(token)) return fromShortToken(token, source);
      // Clients of OpenAI's protocols always send some key: where nobody needs one it says nothing.
      if (mode === 'off') return { principal: openPrincipal, expiresAt: null };
      throw token === null
        ? new AppError('unauthorized', 'Authorization: expected a key, as in "Bearer nx_…"')
        : notAuthenticated();
    },
    watch({ principal: { keyId }, expiresAt }, onEnd) {
      const stopWatching = keyId === null ? () => {} : keys.watch(keyId, onEnd);
      const leftMs = expiresAt === null ? null : Math.min(expiresAt - Date.now(), maxTimerMs);
      const timer = leftMs === null ? undefined : setTimeout(onEnd, Math.max(0, leftMs));
      timer?.unref();
      return () => {
        stopWatching();
        clearTimeout(timer);
      };
    },
  };
}

/** A token grants what it says, of what its maker still may. */
function narrowed(maker: Principal, { workspaceId, scopes, conversationId, userId }: ShortToken): Principal {
  const mayActElsewhere = maker.scopes.includes('operator');
  if (workspaceId !== maker.workspaceId && !mayActElsewhere) throw notAuthenticated();
  return {
    ...maker,
    workspaceId,
    scopes: scopes.filter((scope) => maker.scopes.includes(scope)),
    conversationId,
    userId: userId ?? maker.userId,
  };
}
