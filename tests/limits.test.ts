import { connect } from 'node:net';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { watchRedis } from '../bench/counts/watch-redis.ts';
import { makeKey } from './support/make-key.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';

type Problem = { code: string; detail: string };
type SocketAnswer = { data?: unknown; error?: { code: string; message: string; retryAfterMs?: number } };

const perMinute = 40;
const anonymousPerMinute = 10;
const socketsPerMinute = 20;
const maxStreams = 3;

const asKey = (token: string) => ({ authorization: `Bearer ${token}` });
/** As from a proxy of ours, which is trusted: an address that no other test has. */
const addresses = Array.from({ length: 50 }, (_, index) => `192.0.2.${index}`);
const from = (address = addresses.pop()) => ({ 'x-forwarded-for': address ?? '' });

describe('limits', () => {
  let stack: Stack;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    stack = await openStack({
      apis: 2,
      gateways: 1,
      workers: 1,
      env: {
        NEXUS_AUTH: 'keys',
        TRUSTED_PROXIES: '127.0.0.1',
        ECHO_DELAY_MS: '50',
        RATE_LIMIT_PER_MINUTE: String(perMinute),
        RATE_LIMIT_ANONYMOUS_PER_MINUTE: String(anonymousPerMinute),
        RATE_LIMIT_SOCKETS_PER_MINUTE: String(socketsPerMinute),
        MAX_STREAMS_PER_KEY: String(maxStreams),
        MAX_STREAMS_PER_ADDRESS: '2',
        MAX_AGENTS_PER_WORKSPACE: '8',
        MAX_KEYS_PER_WORKSPACE: '20',
      },
    });
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  });
  afterAll(() => stack.close());

  const newKey = () => makeKey(stack.testDatabase.url, ['read', 'invoke', 'manage', 'admin']);
  const ask = (headers: Record<string, string>, path = '/api/agents', api = 0) =>
    fetch(`${stack.apis[api]?.url}${path}`, { headers });

  async function askTimes(times: number, headers: () => Record<string, string>, path?: string, api?: number) {
    const statuses: number[] = [];
    for (let index = 0; index < times; index += 1) statuses.push((await ask(headers(), path, api)).status);
    return (status: number) => statuses.filter((each) => each === status).length;
  }

  function open(token: string | null, address = from()): Socket {
    const socket = io(stack.gatewayUrl, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: address,
      ...(token === null ? {} : { auth: { token } }),
    });
    sockets.push(socket);
    return socket;
  }
  const outcomeOf = (socket: Socket) =>
    new Promise<string>((resolve) => {
      socket.once('connection:ready', () => resolve('ready'));
      socket.once('connect_error', (error: Error & { data?: { code: string } }) =>
        resolve(error.data?.code ?? error.message),
      );
    });

  it('let a key ask so often, tell how it stands, and name themselves in the refusal', async () => {
    const token = await newKey();
    const first = await ask(asKey(token));
    expect(first.headers.get('ratelimit-policy')).toBe(`"key";q=${perMinute};w=60`);
    expect(first.headers.get('ratelimit')).toBe(`"key";r=${perMinute - 1};t=60`);
    const count = await askTimes(perMinute, () => asKey(token));
    expect([count(200), count(429)]).toEqual([perMinute - 1, 1]);
    const refused = await ask(asKey(token));
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(refused.headers.get('ratelimit')).toMatch(/^"key";r=0;t=\d+$/);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    const { code, detail } = (await refused.json()) as Problem;
    expect([code, detail]).toEqual(['rate_limited', expect.stringContaining(`The limit "key" is ${perMinute}`)]);
    expect((await ask(asKey(await newKey()))).status).toBe(200);
  });

  it('cost no request a call to Redis', async () => {
    const api = await stack.start('api', { RATE_LIMIT_PER_MINUTE: '6000' });
    const headers = asKey(await newKey());
    const watch = await watchRedis(stack.testRedis.url);
    const from = performance.now();
    for (let index = 0; index < 300; index += 1)
      await (await fetch(`${api.url}/api/agents?limit=1`, { headers })).text();
    const seconds = (performance.now() - from) / 1_000;
    const reports = (await watch.stop()).filter(({ words }) => words.some((word) => word.startsWith('nexus:limit:')));
    expect(reports.length).toBeGreaterThan(0);
    expect(reports.length).toBeLessThanOrEqual(2 + seconds); // the first request, then once a second
    await api.stop();
    stack.apis.pop();
  });

  it('hold over all APIs, but for a tenth of the limit at each further one', async () => {
    const token = await newKey();
    const counts = await Promise.all([0, 1].map((api) => askTimes(perMinute, () => asKey(token), undefined, api)));
    const admitted = counts.reduce((sum, count) => sum + count(200), 0);
    expect(admitted).toBeGreaterThanOrEqual(perMinute);
    expect(admitted).toBeLessThanOrEqual(perMinute * 1.1 + 6);
  });

  it('count who shows no key by the address that a trusted proxy names, an IPv6 network as one', async () => {
    const address = from();
    const count = await askTimes(anonymousPerMinute + 3, () => address, '/api/openapi.json');
    expect([count(200), count(429)]).toEqual([anonymousPerMinute, 3]);
    expect((await ask(from(), '/api/openapi.json')).status).toBe(200);
    const hosts = Array.from({ length: anonymousPerMinute + 3 }, (_, host) => `2001:db8:0:7::${host.toString(16)}`);
    const network = await askTimes(hosts.length, () => from(hosts.pop()), '/api/openapi.json');
    expect(network(429)).toBe(3);
    expect((await ask({}, '/livez')).status).toBe(200);
  });

  it('make guessing keys slow, ask Postgres about no more of them, and leave keys in use behind the address alone', async () => {
    const address = from();
    const inUse = await newKey();
    expect((await ask({ ...asKey(inUse), ...address })).status).toBe(200);
    expect(await outcomeOf(open(inUse, address))).toBe('ready');
    const guess = () => ({ ...asKey(`nx_${'ab'.repeat(16)}_${'0'.repeat(64)}`), ...address });
    const before = await askTimes(anonymousPerMinute, guess);
    expect(before(401)).toBe(anonymousPerMinute);
    await stack.database.$transaction(async (transaction) => {
      await transaction.$executeRaw`LOCK TABLE api_key IN ACCESS EXCLUSIVE MODE`; // a statement about keys would wait
      expect((await askTimes(5, guess))(429)).toBe(5);
    });
    expect((await ask({ ...asKey(inUse), ...address })).status).toBe(200);
    const guessOverSocket = () => outcomeOf(open(`nx_${'cd'.repeat(16)}_${'0'.repeat(64)}`, address));
    const outcomes = [await guessOverSocket(), await guessOverSocket(), await guessOverSocket()];
    expect(outcomes.at(-1)).toBe('rate_limited');
    expect(await outcomeOf(open(inUse, address))).toBe('ready');
  });

  it('count handshakes and requests of sockets for their key', async () => {
    const token = await newKey();
    const socket = open(token);
    expect(await outcomeOf(socket)).toBe('ready');
    const answers: SocketAnswer[] = [];
    for (let index = 0; index < socketsPerMinute + 4; index += 1)
      answers.push(await socket.emitWithAck('conversation:unsubscribe', { conversationId: defaultWorkspaceId }));
    const refused = answers.filter(({ error }) => error?.code === 'rate_limited');
    expect(refused).toHaveLength(5);
    expect(refused[0]?.error?.message).toContain('The limit "sockets"');
    expect(refused[0]?.error?.retryAfterMs).toBeGreaterThan(0);
    expect((await ask(asKey(token))).status).toBe(200);
    expect(await outcomeOf(open(token))).toBe('rate_limited');
  });

  it('bound the streams, long polls and sockets that a key has open, and give each place back', async () => {
    const token = await newKey();
    const { body } = await stack.api.invoke(
      { agentId: stack.echoAgentId, message: 'word '.repeat(1_000) },
      asKey(token),
    );
    const leave = new AbortController();
    const follow = (path: string) =>
      fetch(`${stack.apiUrl}/api/invocations/${body.id}${path}`, { headers: asKey(token), signal: leave.signal });
    const streams = [await follow('/events'), await follow('/events')];
    expect(streams.map(({ status }) => status)).toEqual([200, 200]);
    const poll = follow('?wait=60').catch(() => null);
    const refused = await waitUntil(
      async () => {
        const response = await follow('/events');
        return response.status === 429 ? response : void (await response.body?.cancel());
      },
      { what: 'the long poll to take the last place', everyMs: 200 },
    );
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 'too_many_streams' });
    leave.abort();
    await poll;
    await waitUntil(async () => (await ask(asKey(token), `/api/invocations/${body.id}`, 1)).status === 200, {
      what: 'the places to be free again',
      everyMs: 200,
    });

    const connected = Array.from({ length: maxStreams }, () => open(token));
    expect(await Promise.all(connected.map(outcomeOf))).toEqual(['ready', 'ready', 'ready']);
    expect(await outcomeOf(open(token))).toBe('too_many_streams');
    connected[0]?.disconnect();
    await waitUntil(async () => (await outcomeOf(open(token))) === 'ready', {
      what: 'a place to be free again',
      everyMs: 200,
    });
    await stack.api.send('POST', `/api/invocations/${body.id}/cancel`, {}, asKey(token));
  });

  it('bound the connections of an address that have not said whose they are', async () => {
    const { 'x-forwarded-for': address } = from();
    const { port } = new URL(stack.gatewayUrl);
    /** Opens a WebSocket and says nothing on it. */
    const openSilently = () =>
      new Promise<{ status: string; end(): void }>((resolve, reject) => {
        const socket = connect(Number(port), '127.0.0.1', () =>
          socket.write(
            `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: ${address}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
          ),
        );
        socket.on('error', reject);
        socket.once('data', (data) => resolve({ status: String(data).slice(9, 12), end: () => socket.destroy() }));
      });
    const silent = [await openSilently(), await openSilently(), await openSilently()];
    expect(silent.map(({ status }) => status)).toEqual(['101', '101', '400']);
    silent[0]?.end();
    await waitUntil(
      async () => {
        const another = await openSilently();
        another.end();
        return another.status === '101';
      },
      { what: 'the place to be free again' },
    );
    for (const { end } of silent) end();
  });

  it('bound the agents and the keys of a workspace', async () => {
    const create = (path: string, body: object, token: string) =>
      stack.api.send<Problem & { id: string }>('POST', path, body, asKey(token));
    const token = await newKey();
    const made: string[] = [];
    const fill = async (path: string, body: (index: number) => object) => {
      for (let index = 0; index < 20; index += 1) {
        const answer = await create(path, body(index), token);
        if (answer.status !== 201) return answer;
        made.push(`${path}/${answer.body.id}`);
      }
      return null;
    };
    const agents = await fill('/api/agents', (index) => ({ name: `Limit ${index}`, provider: 'echo', model: 'echo' }));
    expect([agents?.status, agents?.body.code]).toEqual([409, 'workspace_full']);
    const keys = await fill('/api/keys', (index) => ({ name: `Key ${index}`, scopes: ['read'] }));
    expect([keys?.status, keys?.body.code]).toEqual([409, 'workspace_full']);
    const other = await newKey();
    for (const path of made) await stack.api.send('DELETE', path, undefined, asKey(other));
    expect((await create('/api/keys', { name: 'Again', scopes: ['read'] }, other)).status).toBe(201);
  });
});

describe('without keys', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0, workers: 0 });
  });
  afterAll(() => stack.close());

  it('nothing is limited unless it is set', async () => {
    const responses = await Promise.all(Array.from({ length: 300 }, () => fetch(`${stack.apiUrl}/api/agents?limit=1`)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(responses[0]?.headers.has('ratelimit')).toBe(false);
    const limited = await stack.start('api', { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2' });
    const statuses: number[] = [];
    for (let index = 0; index < 3; index += 1) statuses.push((await fetch(`${limited.url}/api/agents`)).status);
    expect(statuses).toEqual([200, 200, 429]);
  });
});
