import { describe, expect, it } from 'vitest';
import { createSecret, formatKeyToken, hashSecret, isSecretOf, parseKeyToken } from './key-token.ts';

const keyId = '019ac8f2-6d00-7000-8000-0000000000c1';

describe('the token of a key', () => {
  it('carries the id and the secret', () => {
    const secret = createSecret();
    const token = formatKeyToken({ keyId, secret });
    expect(token).toMatch(/^nx_[0-9a-f]{32}_[0-9a-f]{64}$/);
    expect(parseKeyToken(token)).toEqual({ keyId, secret });
  });

  it.each([
    '',
    'nx_',
    'sk-proj-abc',
    `nx_${'0'.repeat(32)}_${'0'.repeat(63)}`,
    `nx_${'0'.repeat(32)}_${'G'.repeat(64)}`,
  ])('is not %j', (text) => {
    expect(parseKeyToken(text)).toBeNull();
  });

  it('is checked against the hash of its secret alone', () => {
    const secret = createSecret();
    expect(isSecretOf(secret, hashSecret(secret))).toBe(true);
    expect(isSecretOf(createSecret(), hashSecret(secret))).toBe(false);
    expect(isSecretOf(secret, null)).toBe(false);
    expect(isSecretOf(secret, Buffer.alloc(0))).toBe(false);
  });
});
