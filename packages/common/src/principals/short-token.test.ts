import { describe, expect, it } from 'vitest';
import { createSecretRing } from '../secrets/secret-ring.ts';
import { type ShortToken, signShortToken, verifyShortToken } from './short-token.ts';

const ring = createSecretRing(['a secret of thirty-two characters or more']);
const token: ShortToken = {
  kind: 'token',
  keyId: '019ac8f2-6d00-7000-8000-0000000000c1',
  workspaceId: '00000000-0000-7000-8000-000000000001',
  scopes: ['read'],
  conversationId: null,
  userId: 'someone',
  expiresAt: Math.ceil(Date.now() / 1_000) * 1_000 + 60_000,
};

describe('a short-lived token', () => {
  it('says after verifying what it said before', async () => {
    expect(await verifyShortToken(ring, await signShortToken(ring, token))).toEqual(token);
  });

  it('is good under an older secret of the ring, and under no other ring', async () => {
    const signed = await signShortToken(ring, token);
    const rotated = createSecretRing([
      'another secret of thirty-two characters',
      'a secret of thirty-two characters or more',
    ]);
    expect(await verifyShortToken(rotated, signed)).toEqual(token);
    await expect(
      verifyShortToken(createSecretRing(['another secret of thirty-two characters']), signed),
    ).rejects.toMatchObject({
      code: 'unauthorized',
    });
  });

  it('ends when it says', async () => {
    const signed = await signShortToken(ring, token);
    await expect(verifyShortToken(ring, signed, new Date(token.expiresAt + 1_000))).rejects.toMatchObject({
      code: 'unauthorized',
    });
  });

  it.each(['', 'eyJ', 'a.b.c'])('is not %j', async (text) => {
    await expect(verifyShortToken(ring, text)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('is refused when a part of it was changed, or when it is signed by nothing', async () => {
    const [head = '', body = '', signature = ''] = (await signShortToken(ring, token)).split('.');
    const wider = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url').toString()), scp: ['operator'] }),
    );
    await expect(verifyShortToken(ring, [head, wider.toString('base64url'), signature].join('.'))).rejects.toThrow();
    const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
    await expect(verifyShortToken(ring, [unsigned, body, ''].join('.'))).rejects.toThrow();
  });
});
