import { AppError } from '@nexus/common/errors/app-error';
import { createOpenAtOnce } from '@nexus/common/limits/open-at-once';
import { createRateLimit } from '@nexus/common/limits/rate-limit';
import type { Authenticator } from '@nexus/common/principals/create-authenticator';
import { openPrincipal } from '@nexus/common/principals/open-principal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IdentityParts, identifySocket } from './authenticate-socket.ts';

const arrival = { address: '192.0.2.1', authorization: undefined };
const noRedis = async () => null;

describe('the identity of a socket', () => {
  let parts: IdentityParts;
  let watching: Set<string>;
  let authenticating: Promise<void>;
  let changes: object;
  beforeEach(() => {
    watching = new Set();
    authenticating = Promise.resolve();
    changes = {};
    const limits = {
      keyRate: createRateLimit({ name: 'sockets', perMinute: 3, count: noRedis }),
      addressRate: createRateLimit({ name: 'address', perMinute: 2, count: noRedis }),
      openPerKey: createOpenAtOnce('key', 1),
    };
    const authenticator: Authenticator = {
      mode: 'keys',
      isUnknown: (token) => token === 'guessed',
      async authenticate(token) {
        await authenticating;
        if (token === 'guessed') throw new AppError('unauthorized');
        return { principal: { ...openPrincipal, keyId: token, ...changes }, expiresAt: null, isSession: false };
      },
      watch({ principal: { keyId } }) {
        watching.add(String(keyId));
        return () => void watching.delete(String(keyId));
      },
    };
    parts = { authenticator, limits };
  });
  afterEach(() => {
    parts.limits.keyRate?.close();
    parts.limits.addressRate?.close();
  });

  const identify = (token: string) =>
    identifySocket(parts, { handshake: { auth: { token } }, emit() {}, disconnect() {} }, arrival);
  const hasRoom = (key: string) => parts.limits.openPerKey?.hasRoom(key);

  it('has one of the places of its key until it is closed', async () => {
    const identity = await identify('a');
    await expect(identify('a')).rejects.toMatchObject({ data: { code: 'too_many_streams' } });
    identity.close();
    expect([hasRoom('a'), watching.size]).toEqual([true, 0]);
    await identify('a');
  });

  it('stays as it is where the key of a renewal has no place left', async () => {
    const [first] = [await identify('a'), await identify('b')];
    await expect(first.renew('b')).rejects.toMatchObject({ code: 'too_many_streams' });
    expect(first.principal.keyId).toBe('a');
    expect([hasRoom('a'), [...watching].toSorted()]).toEqual([false, ['a', 'b']]);
    await first.renew('c');
    expect([hasRoom('a'), hasRoom('c'), first.principal.keyId]).toEqual([true, false, 'c']);
  });

  it('holds nothing after it was closed during a renewal', async () => {
    const identity = await identify('a');
    const answered = Promise.withResolvers<void>();
    authenticating = answered.promise;
    const renewal = identity.renew('b');
    identity.close();
    answered.resolve();
    await expect(renewal).rejects.toMatchObject({ code: 'service_stopping' });
    expect([hasRoom('a'), hasRoom('b'), watching.size]).toEqual([true, true, 0]);
  });

  it('counts tokens that are not good for the address, in handshakes and renewals', async () => {
    const identity = await identify('a');
    await expect(identify('guessed')).rejects.toMatchObject({ data: { code: 'unauthorized' } });
    await expect(identity.renew('guessed')).rejects.toMatchObject({ code: 'unauthorized' });
    await expect(identity.renew('guessed')).rejects.toMatchObject({ code: 'rate_limited' });
    await expect(identify('guessed')).rejects.toMatchObject({
      data: { code: 'rate_limited', retryAfterMs: expect.any(Number) },
    });
    await expect(identify('b')).resolves.toBeDefined();
  });

  it('holds no place where its handshake is refused by the rate', async () => {
    for (let index = 0; index < 3; index += 1) (await identify('a')).close();
    await expect(identify('a')).rejects.toMatchObject({ data: { code: 'rate_limited' } });
    expect([hasRoom('a'), watching.size]).toEqual([true, 0]);
  });

  it.each([
    ['is for one conversation', { conversationId: 'other' }],
    ['may not read', { scopes: ['invoke'] as const }],
    ['is of another workspace', { workspaceId: 'other' }],
  ])('takes no renewal by a token that %s: what is watched would be out of its reach', async (_what, principal) => {
    const identity = await identify('a');
    changes = principal;
    await expect(identity.renew('b')).rejects.toMatchObject({ code: 'unauthorized' });
    expect(identity.principal.keyId).toBe('a');
    expect([...watching]).toEqual(['a']);
  });

  it('is refused for no fault of the caller where Postgres is away, so that the client tries again', async () => {
    authenticating = Promise.reject(new AppError('database_unavailable'));
    const failure = await identify('a').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'database_unavailable' });
    expect(failure).not.toHaveProperty('data');
  });
});
