import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A key's id and its secret, as its token carries them. */
export type KeyToken = { keyId: string; secret: Buffer };

const pattern = /^nx_([0-9a-f]{32})_([0-9a-f]{64})$/;

/** `nx_<32 hex>_<64 hex>`: the key's id without its hyphens, and the secret. null: not the token of a key. */
export function parseKeyToken(token: string): KeyToken | null {
  const match = pattern.exec(token);
  if (!match) return null;
  const [, id = '', secret = ''] = match;
  const keyId = id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { keyId, secret: Buffer.from(secret, 'hex') };
}

export function formatKeyToken({ keyId, secret }: KeyToken): string {
  return `nx_${keyId.replaceAll('-', '')}_${secret.toString('hex')}`;
}

/** 256 random bits. */
export function createSecret(): Buffer {
  return randomBytes(32);
}

/** SHA-256: the secret is random, so that nothing slower is needed to keep it from being guessed. */
export function hashSecret(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** In constant time. */
export function isSecretOf(secret: Buffer, hash: Uint8Array | null): boolean {
  return hash !== null && hash.length === 32 && timingSafeEqual(hashSecret(secret), hash);
}

const tokens = /nx_[0-9a-f]{32}_[0-9a-f]{64}|eyJ[\w-]+\.[\w-]+\.[\w-]+/gi;

/** The text without the tokens in it: what came in an address may be repeated in answers, logs and traces. */
export function hideTokens(text: string): string {
  return text.replaceAll(tokens, 'TOKEN');
}
