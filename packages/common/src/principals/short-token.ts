import { decodeJwt, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { SecretRing } from '../secrets/secret-ring.ts';
import { notAuthenticated } from './authenticate.ts';
import { type Scope, scopes } from './scope.ts';

/** What a short-lived token says. It grants no more than the key that made it (null: nobody needed one), and ends with it. */
export type ShortToken = {
  kind: 'token' | 'session';
  keyId: string | null;
  workspaceId: string;
  scopes: readonly Scope[];
  /** null: the whole workspace. */
  conversationId: string | null;
  userId: string | null;
  /** Milliseconds of the epoch. */
  expiresAt: number;
};

const issuer = 'agent-nexus';
const algorithm = 'HS256';

const claimsSchema = z.object({
  kind: z.enum(['token', 'session']),
  key: z.uuid().nullable(),
  ws: z.uuid(),
  scp: z.array(z.enum(scopes)),
  conv: z.uuid().nullable(),
  user: z.string().nullable(),
  exp: z.number(),
});

/** As a JSON Web Token (RFC 7519), signed by the newest secret. */
export async function signShortToken(ring: SecretRing, token: ShortToken): Promise<string> {
  const [newest] = ring.signingKeys();
  if (!newest) throw notAuthenticated();
  const { kind, keyId, workspaceId, scopes: scp, conversationId, userId, expiresAt } = token;
  return new SignJWT({ kind, key: keyId, ws: workspaceId, scp, conv: conversationId, user: userId })
    .setProtectedHeader({ alg: algorithm, kid: newest.id })
    .setIssuer(issuer)
    .setIssuedAt()
    .setExpirationTime(Math.floor(expiresAt / 1_000))
    .sign(newest.key);
}

/** Throws `unauthorized` where the token is not one of ours, was changed, or is over. */
export async function verifyShortToken(ring: SecretRing, token: string, now = new Date()): Promise<ShortToken> {
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const found = ring.signingKeys().find(({ id }) => id === kid);
        if (!found) throw notAuthenticated();
        return found.key;
      },
      { issuer, algorithms: [algorithm], currentDate: now },
    );
    const { kind, key, ws, scp, conv, user, exp } = claimsSchema.parse(payload);
    return {
      kind,
      keyId: key,
      workspaceId: ws,
      scopes: scp,
      conversationId: conv,
      userId: user,
      expiresAt: exp * 1_000,
    };
  } catch {
    throw notAuthenticated();
  }
}

/** Whether a text says that it is one of these, whether good or not: others send tokens of their own. */
export function isShortToken(token: string): boolean {
  if (!token.startsWith('eyJ')) return false;
  try {
    return decodeJwt(token).iss === issuer;
  } catch {
    return false;
  }
}
