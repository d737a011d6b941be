import type { Authenticated, Authenticator } from '@nexus/common/principals/create-authenticator';
import { openPrincipal } from '@nexus/common/principals/open-principal';
import { beforeEach, describe, expect, it } from 'vitest';
import { type IdentifiedSocket, identifySocket } from './authenticate-socket.ts';

describe('the identity of a socket', () => {
  let watched: number;
  let onEnd: () => void;
  let known: Record<string, Partial<Authenticated['principal']>>;
  let authenticator: Authenticator;
  let socket: IdentifiedSocket;
  let disconnected: boolean[];
  beforeEach(() => {
    [watched, onEnd, known] = [0, () => {}, { first: {} }];
    authenticator = {
      mode: 'keys',
      authenticate: async (token) => ({ principal: { ...openPrincipal, ...known[token ?? ''] }, expiresAt: null }),
      watch(_authenticated, callback) {
        watched += 1;
        onEnd = callback;
        return () => {
          watched -= 1;
        };
      },
    };
    socket = {
      handshake: { auth: { token: 'first' }, headers: {} },
      emit: () => {},
      disconnect: (close) => disconnected.push(close),
    };
    disconnected = [];
  });

  it('is watched from the connection on, so that one that leaves during its handshake leaves nothing behind', async () => {
    const identity = await identifySocket(authenticator, socket);
    expect(watched).toBe(0);
    identity.start();
    expect(watched).toBe(1);
    onEnd();
    expect(disconnected).toEqual([true]);
    identity.close();
    expect(watched).toBe(0);
  });

  it('is watched once after a renewal, and not at all when the socket left during it', async () => {
    const identity = await identifySocket(authenticator, socket);
    identity.start();
    await identity.renew('second');
    expect(watched).toBe(1);
    const renewal = identity.renew('third');
    identity.close();
    await renewal;
    expect(watched).toBe(0);
  });

  it.each([
    ['is for one conversation', { conversationId: 'other' }],
    ['may not read', { scopes: ['invoke'] as const }],
    ['is of another workspace', { workspaceId: 'other' }],
  ])('takes no renewal by a token that %s: what is watched would be out of its reach', async (_what, principal) => {
    known.second = principal;
    const identity = await identifySocket(authenticator, socket);
    identity.start();
    await expect(identity.renew('second')).rejects.toMatchObject({ code: 'unauthorized' });
    expect(identity.principal).toEqual(openPrincipal);
    expect(watched).toBe(1);
  });

  it('takes a renewal for the same conversation', async () => {
    known = { first: { conversationId: 'one' }, second: { conversationId: 'one', userId: 'someone' } };
    const identity = await identifySocket(authenticator, socket);
    await identity.renew('second');
    expect(identity.principal.userId).toBe('someone');
  });
});
