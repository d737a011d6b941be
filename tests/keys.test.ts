import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStartKey } from '../scripts/start/open-start-key.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';

type Key = {
  id: string;
  token: string;
  scopes: string[];
  agentIds: string[];
  createdById: string | null;
  lastFour: string;
};
type Problem = { code: string; detail?: string };

/** A revocation counts everywhere within this. Milliseconds. */
const limitMs = 5_000;

describe('where callers need a key', () => {
  let stack: Stack;
  let operator: string;
  beforeAll(async () => {
    stack = await openStack({ apis: 2, gateways: 1, workers: 1, env: { NEXUS_AUTH: 'keys', ECHO_DELAY_MS: '50' } });
    operator = makeOnCommandLine('read,invoke,manage,admin,operator');
  });
  afterAll(() => stack.close());

  function makeOnCommandLine(scopes: string): string {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['scripts/keys.ts', 'create', '--scopes', scopes], {
      env: { PATH: process.env.PATH, DATABASE_URL: stack.testDatabase.url },
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/^Key /m);
    expect(status).toBe(0);
    return stdout.trim();
  }

  const asKey = (token: string) => ({ authorization: `Bearer ${token}` });
  const create = async (body: object, token = operator) =>
    (await stack.api.send<Key>('POST', '/api/keys', body, asKey(token))).body;
  const statusOf = async (token: string | null, path = '/api/agents', api = 0) => {
    const response = await fetch(`${stack.apis[api]?.url}${path}`, { headers: token === null ? {} : asKey(token) });
    return response.status;
  };
  function connect(token: string | null): Socket {
    return io(stack.gatewayUrl, {
      transports: ['websocket'],
      reconnection: false,
      ...(token === null ? {} : { auth: { token } }),
    });
  }
  const connected = (socket: Socket) =>
    new Promise<string>((resolve) => {
      socket.once('connection:ready', () => resolve('ready'));
      socket.once('connect_error', (error: Error & { data?: { code: string } }) =>
        resolve(error.data?.code ?? error.message),
      );
    });

  it.each([
    ['none', null],
    ['of another kind', 'sk-proj-abc'],
    ['of nobody', `nx_${'0'.repeat(32)}_${'0'.repeat(64)}`],
  ])('refuses a token that is %s, over REST and sockets', async (_what, token) => {
    const response = await fetch(`${stack.apiUrl}/api/agents`, { headers: token === null ? {} : asKey(token) });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
    expect(await response.json()).toMatchObject({ code: 'unauthorized' });
    const socket = connect(token);
    expect(await connected(socket)).toBe('unauthorized');
    socket.close();
  });

  it('makes another start key once the last one is revoked', async () => {
    const folder = mkdtempSync(`${tmpdir()}/nexus-start-key-`);
    const token = await openStartKey(stack.testDatabase.url, folder);
    expect(await openStartKey(stack.testDatabase.url, folder)).toBe(token);
    expect(await statusOf(token)).toBe(200);
    const { keyId } = (await stack.api.send<{ keyId: string }>('GET', '/api/session', undefined, asKey(token))).body;
    await stack.api.send('DELETE', `/api/keys/${keyId}`, undefined, asKey(operator));
    const next = await openStartKey(stack.testDatabase.url, folder);
    expect(next).not.toBe(token);
    expect(await statusOf(next)).toBe(200);
  });

  it('takes a key as the Bearer token of a handshake', async () => {
    const extraHeaders = asKey(operator);
    const socket = io(stack.gatewayUrl, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders,
    });
    expect(await connected(socket)).toBe('ready');
    socket.close();
  });

  it('shows a token once, and afterwards its last four characters', async () => {
    const made = await create({ name: 'Chat', scopes: ['read', 'invoke'] });
    expect(made.token).toMatch(/^nx_[0-9a-f]{32}_[0-9a-f]{64}$/);
    const { body } = await stack.api.get<Key>(`/api/keys/${made.id}`, asKey(operator));
    expect(body).not.toHaveProperty('token');
    expect(made.token.endsWith(body.lastFour)).toBe(true);
    const dump = await stack.database.$queryRawUnsafe<{ row: string }[]>(
      'SELECT to_jsonb(k)::text AS row FROM api_key k',
    );
    expect(JSON.stringify(dump)).not.toContain(made.token.split('_')[2]);
  });

  it('lets a key do what its scopes say', async () => {
    const reader = await create({ name: 'Reader', scopes: ['read'] });
    expect(await statusOf(reader.token)).toBe(200);
    const refused = await stack.api.send<Problem>(
      'POST',
      '/api/invoke',
      { agentId: stack.echoAgentId, message: 'x' },
      asKey(reader.token),
    );
    expect([refused.status, refused.body.code]).toEqual([403, 'scope_missing']);
    expect(await statusOf(reader.token, '/api/keys')).toBe(403);
  });

  it('lets no key grant more than it has, or outlive the key that made it', async () => {
    const parent = await create({ name: 'Parent', scopes: ['read', 'admin'] });
    const more = await stack.api.send<Problem>(
      'POST',
      '/api/keys',
      { name: 'More', scopes: ['invoke'] },
      asKey(parent.token),
    );
    expect([more.status, more.body.code]).toEqual([403, 'scope_missing']);
    const child = await create({ name: 'Child', scopes: ['read'] }, parent.token);
    expect(child.createdById).toBe(parent.id);
    expect(await statusOf(child.token)).toBe(200);
    await stack.api.send('DELETE', `/api/keys/${parent.id}`, undefined, asKey(operator));
    expect(await statusOf(child.token, '/api/agents', 1)).toBe(401);
  });

  it('gives a key a new secret, and lets the old one be good for the grace that was asked for', async () => {
    const key = await create({ name: 'Rotating', scopes: ['read'] });
    const rotate = (graceSeconds: number) =>
      stack.api.send<Key>('POST', `/api/keys/${key.id}/rotate`, { graceSeconds }, asKey(operator));
    const { body: second } = await rotate(60);
    expect([await statusOf(key.token), await statusOf(second.token)]).toEqual([200, 200]);
    const { body: third } = await rotate(0);
    expect([
      await statusOf(key.token, undefined, 1),
      await statusOf(second.token, undefined, 1),
      await statusOf(third.token, undefined, 1),
    ]).toEqual([401, 401, 200]);
  });

  it('ends requests, streams and sockets of a revoked key on every process', async () => {
    const key = await create({ name: 'Doomed', scopes: ['read', 'invoke'] });
    const { body } = await stack.api.invoke(
      { agentId: stack.echoAgentId, message: 'word '.repeat(400) },
      asKey(key.token),
    );
    const stream = await fetch(`${stack.apis[0]?.url}/api/invocations/${body.id}/events`, {
      headers: asKey(key.token),
    });
    let streamEnded = false;
    void stream.body
      ?.pipeTo(new WritableStream())
      .catch(() => {})
      .finally(() => {
        streamEnded = true;
      });
    const socket = connect(key.token);
    expect(await connected(socket)).toBe('ready');
    expect([await statusOf(key.token, undefined, 0), await statusOf(key.token, undefined, 1)]).toEqual([200, 200]);
    await stack.api.send('DELETE', `/api/keys/${key.id}`, undefined, asKey(operator));
    await waitUntil(async () => streamEnded && !socket.connected && (await statusOf(key.token, undefined, 0)) === 401, {
      what: 'everything of the key to end',
      timeoutMs: limitMs,
    });
    expect(await statusOf(key.token, undefined, 1)).toBe(401);
    await stack.api.send('POST', `/api/invocations/${body.id}/cancel`, {}, asKey(operator));
  });

  it('keeps workspaces apart, and lets an operator act in each', async () => {
    const { body: workspace } = await stack.api.send<{ id: string }>(
      'POST',
      '/api/workspaces',
      { name: 'Acme' },
      asKey(operator),
    );
    const inAcme = { ...asKey(operator), 'nexus-workspace': workspace.id };
    const { body: key } = await stack.api.send<Key>(
      'POST',
      '/api/keys',
      { name: 'Acme', scopes: ['read', 'invoke', 'manage'] },
      inAcme,
    );
    const { body: agent } = await stack.api.send<{ id: string }>(
      'POST',
      '/api/agents',
      { name: 'Echo', provider: 'echo', model: 'echo' },
      asKey(key.token),
    );
    const { body: agents } = await stack.api.get<{ id: string }[]>('/api/agents', asKey(key.token));
    expect(agents.map(({ id }) => id)).toEqual([agent.id]);
    expect(await statusOf(operator, `/api/agents/${agent.id}`)).toBe(404);
    const other = await stack.api.get(`/api/agents/${agent.id}`, inAcme);
    expect(other.status).toBe(200);
    const foreign = await stack.api.get<Problem>('/api/agents', {
      ...asKey(key.token),
      'nexus-workspace': '00000000-0000-7000-8000-000000000001',
    });
    expect([foreign.status, foreign.body.code]).toEqual([403, 'scope_missing']);
  });

  it('notes who changed what, without a secret', async () => {
    const key = await create({ name: 'Noted', scopes: ['read'] });
    await stack.api.send('PATCH', `/api/keys/${key.id}`, { name: 'Renamed' }, asKey(operator));
    await stack.api.send('DELETE', `/api/keys/${key.id}`, undefined, asKey(operator));
    const { body } = await stack.api.get<{ action: string; changes: object; keyId: string }[]>(
      `/api/audit?targetId=${key.id}`,
      asKey(operator),
    );
    expect(body.map(({ action }) => action)).toEqual(['key.revoked', 'key.renamed', 'key.created']);
    expect(body[1]?.changes).toEqual({ name: ['Noted', 'Renamed'] });
    expect(JSON.stringify(body)).not.toContain(key.token.split('_')[2]);
  });

  it('makes tokens for browsers that grant less, are renewed over the socket, and end when they say', async () => {
    const { body } = await stack.api.send<{ token: string; expiresAt: string }>(
      'POST',
      '/api/tokens',
      { scopes: ['read'], expiresInSeconds: 10 },
      asKey(operator),
    );
    expect(await statusOf(body.token)).toBe(200);
    expect(await statusOf(body.token, '/api/keys')).toBe(403);
    const socket = connect(body.token);
    const warned = new Promise<{ at: string }>((resolve) => socket.once('connection:expiring', resolve));
    expect(await connected(socket)).toBe('ready');
    expect(Date.parse((await warned).at)).toBe(Date.parse(body.expiresAt));
    const renewed = await stack.api.send<{ token: string }>(
      'POST',
      '/api/tokens',
      { expiresInSeconds: 60 },
      asKey(operator),
    );
    expect(await socket.emitWithAck('connection:renew', { token: renewed.body.token })).toEqual({ data: null });
    const left = connect(body.token);
    expect(await connected(left)).toBe('ready');
    await waitUntil(() => !left.connected, {
      what: 'the socket whose token was not renewed to end',
      timeoutMs: 15_000,
    });
    expect(socket.connected).toBe(true);
    expect(await statusOf(body.token)).toBe(401);
    socket.close();
  });

  it('signs the console in by a cookie, and refuses what pages of other origins send', async () => {
    const signIn = await fetch(`${stack.apiUrl}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: operator }),
    });
    const setCookie = signIn.headers.get('set-cookie') ?? '';
    expect(signIn.status).toBe(204);
    expect(setCookie).toMatch(/^nexus_session=eyJ.*; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    expect(setCookie).not.toContain(operator.slice(3));
    const cookie = setCookie.split(';')[0] ?? '';
    const { status, body } = await stack.api.get<{ scopes: string[] }>('/api/session', { cookie });
    expect([status, body.scopes]).toEqual([200, ['read', 'invoke', 'manage', 'admin', 'operator']]);
    const post = (origin: string) => stack.api.send<Problem>('POST', '/api/conversations', {}, { cookie, origin });
    expect((await post('https://evil.example')).body.code).toBe('origin_not_allowed');
    expect((await post('null')).status).toBe(403);
    expect((await post(stack.apiUrl)).status).toBe(201);
  });
});
