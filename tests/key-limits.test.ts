import { request } from 'node:http';
import { scopes } from '@nexus/common/principals/scope';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from './support/make-key.ts';
import { openStack, type Stack } from './support/open-stack.ts';

type Key = { id: string; token: string };
type Problem = { code: string };

const asKey = (token: string) => ({ authorization: `Bearer ${token}` });

describe('what a key cannot be stretched to', () => {
  let stack: Stack;
  let operator: string;
  beforeAll(async () => {
    stack = await openStack({ workers: 0, env: { NEXUS_AUTH: 'keys', ALLOWED_HOSTS: 'nexus.example' } });
    operator = await makeKey(stack.testDatabase.url, scopes);
  });
  afterAll(() => stack.close());

  const create = async (body: object, token = operator) =>
    (await stack.api.send<Key>('POST', '/api/keys', { name: 'Limits', ...body }, asKey(token))).body;
  const send = async (method: string, path: string, token: string, body?: unknown, more = {}) => {
    const answer = await stack.api.send<Problem>(method, path, body, { ...asKey(token), ...more });
    return [answer.status, answer.body?.code];
  };
  async function signIn(key: string): Promise<{ cookie: string; token: string }> {
    const response = await fetch(`${stack.apiUrl}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key }),
    });
    const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
    return { cookie, token: cookie.split('=')[1] ?? '' };
  }
  const connected = (token: string) =>
    new Promise<string>((resolve) => {
      const socket = io(stack.gatewayUrl, {
        transports: ['websocket'],
        reconnection: false,
        forceNew: true,
        auth: { token },
      });
      const settle = (outcome: string) => {
        socket.close();
        resolve(outcome);
      };
      socket.once('connection:ready', () => settle('ready'));
      socket.once('connect_error', (error: Error & { data?: Problem }) => settle(error.data?.code ?? error.message));
    });

  it('gives no new secret of a key that grants more than its own', async () => {
    const admin = await create({ scopes: ['read', 'admin'] });
    const wider = await create({ scopes: ['read', 'invoke', 'manage'] });
    const equal = await create({ scopes: ['read'] });
    expect(await send('POST', `/api/keys/${wider.id}/rotate`, admin.token, {})).toEqual([403, 'scope_missing']);
    expect((await send('POST', `/api/keys/${equal.id}/rotate`, admin.token, {}))[0]).toBe(200);
    expect((await send('GET', '/api/agents', wider.token))[0]).toBe(200); // its secret is the one before
  });

  it('gives no new secret of a key for all agents to one that is for some', async () => {
    const some = await create({ scopes: ['read', 'admin'], agentIds: [stack.echoAgentId] });
    const all = await create({ scopes: ['read'] });
    const same = await create({ scopes: ['read'], agentIds: [stack.echoAgentId] });
    expect(await send('POST', `/api/keys/${all.id}/rotate`, some.token, {})).toEqual([403, 'scope_missing']);
    expect((await send('POST', `/api/keys/${same.id}/rotate`, some.token, {}))[0]).toBe(200);
  });

  it('lets nobody but operators rename, rotate or revoke an operator', async () => {
    const admin = await create({ scopes: ['read', 'invoke', 'manage', 'admin'] });
    const other = await create({ scopes: ['operator'] });
    expect(await send('PATCH', `/api/keys/${other.id}`, admin.token, { name: 'Mine' })).toEqual([403, 'scope_missing']);
    expect(await send('POST', `/api/keys/${other.id}/rotate`, admin.token, {})).toEqual([403, 'scope_missing']);
    expect(await send('DELETE', `/api/keys/${other.id}`, admin.token)).toEqual([403, 'scope_missing']);
    expect((await send('DELETE', `/api/keys/${other.id}`, operator))[0]).toBe(204);
  });

  it('takes the token of a session from its cookie alone, and from a cookie nothing else', async () => {
    const session = await signIn(operator);
    const { body: short } = await stack.api.send<{ token: string }>('POST', '/api/tokens', {}, asKey(operator));
    const byCookie = (value: string) => stack.api.get('/api/agents', { cookie: `nexus_session=${value}` });
    expect((await byCookie(session.token)).status).toBe(200);
    expect(await send('GET', '/api/agents', session.token)).toEqual([401, 'unauthorized']);
    expect(await connected(session.token)).toBe('unauthorized');
    expect((await send('GET', '/api/agents', short.token))[0]).toBe(200);
    for (const other of [short.token, operator]) expect((await byCookie(other)).status).toBe(401);
    expect((await signIn(short.token)).cookie).toBe('');
  });

  it('marks the cookie of a session as Secure beyond loopback', async () => {
    const cookieAt = (host: string) =>
      new Promise<string>((resolve, reject) => {
        const headers = { 'content-type': 'application/json', host };
        const sent = request(`${stack.apiUrl}/api/session`, { method: 'POST', headers }, (response) => {
          response.resume();
          resolve(String(response.headers['set-cookie']));
        });
        sent.on('error', reject);
        sent.end(JSON.stringify({ key: operator }));
      });
    expect(await cookieAt('nexus.example')).toMatch(/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$/);
    expect(await cookieAt('localhost:3001')).not.toContain('Secure');
  });

  it('refuses a stranger before the body is read', async () => {
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': '1000000' };
      const sent = request(`${stack.apiUrl}/api/invocations`, { method: 'POST', headers }, (response) => {
        resolve(response.statusCode);
        sent.destroy();
      });
      sent.on('error', reject);
      sent.flushHeaders(); // and never a byte of the body
    });
    expect(answer).toBe(401);
    const broken = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a' };
    expect((await fetch(`${stack.apiUrl}/api/invocations`, broken)).status).toBe(401);
  });

  it('answers an operator in a workspace that does not exist as for an unknown one', async () => {
    const nowhere = { 'nexus-workspace': '00000000-0000-7000-8000-00000000dead' };
    const agent = { name: 'Nowhere', provider: 'echo', model: 'echo' };
    expect(await send('POST', '/api/agents', operator, agent, nowhere)).toEqual([404, 'workspace_not_found']);
    expect(await send('POST', '/api/conversations', operator, {}, nowhere)).toEqual([404, 'workspace_not_found']);
    expect(await send('GET', '/api/agents', operator, undefined, nowhere)).toEqual([404, 'workspace_not_found']);
  });

  it('is not noted as used by somebody who knows its id and not its secret', async () => {
    const key = await create({ scopes: ['read'] });
    const guess = `${key.token.slice(0, 36)}${'0'.repeat(64)}`;
    expect((await send('GET', '/api/agents', guess))[0]).toBe(401);
    expect(
      (await stack.api.get<{ lastUsedAt: null }>(`/api/keys/${key.id}`, asKey(operator))).body.lastUsedAt,
    ).toBeNull();
  });

  it('changes no object but the one that is sent', async () => {
    const raw = `{"name":"Polluted","provider":"echo","model":"echo","__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}`;
    expect((await send('POST', '/api/agents', operator, raw))[0]).toBe(422);
    const metadata = `{"agentId":"${stack.echoAgentId}","message":"x","metadata":{"__proto__":{"isAdmin":true},"a":1}}`;
    const { body } = await stack.api.send<{ id: string }>('POST', '/api/invocations', metadata, asKey(operator));
    const { body: shown } = await stack.api.get<{ metadata: { isAdmin?: boolean } }>(
      `/api/invocations/${body.id}`,
      asKey(operator),
    );
    expect(shown.metadata.isAdmin).toBeUndefined();
  });

  it.each(['baseUrl', 'url', 'endpoint', 'proxy'])('takes no address to call from a request: %s', async (field) => {
    const agent = { name: 'Elsewhere', provider: 'openai', model: 'x', [field]: 'http://169.254.169.254/' };
    expect((await send('POST', '/api/agents', operator, agent))[0]).toBe(422);
    const message = { agentId: stack.echoAgentId, message: 'x', overrides: { [field]: 'http://169.254.169.254/' } };
    expect((await send('POST', '/api/invocations', operator, message))[0]).toBe(422);
  });

  it('lets no browser keep an answer', async () => {
    const { headers } = await stack.api.get('/api/session', asKey(operator));
    expect(headers.get('cache-control')).toBe('no-store');
  });
});

describe('where nobody needs a key', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ workers: 0, gateways: 0 });
  });
  afterAll(() => stack.close());

  it.each([
    ['the key of another service', 'sk-proj-abc', 200],
    ["a token of somebody else's", 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJlbHNld2hlcmUifQ.c2lnbmF0dXJl', 200],
    ['a key of ours that does not exist', `nx_${'0'.repeat(32)}_${'0'.repeat(64)}`, 401],
    ['a token of ours that was changed', 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhZ2VudC1uZXh1cyJ9.c2lnbmF0dXJl', 401],
  ])('%s is answered as it should be', async (_what, token, status) => {
    expect((await fetch(`${stack.apiUrl}/api/agents`, { headers: asKey(token) })).status).toBe(status);
  });
});
