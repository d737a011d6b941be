import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';

type Problem = {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  requestId: string;
  errors?: { field: string; message: string }[];
};

const nobody = '00000000-0000-7000-8000-00000000ffff';
const page = 'https://app.example';

/** The headers that a sentence of docs/protocol.md lists, in lower case. */
function promisedHeaders(beginning: string): string[] {
  const [sentence = ''] = new RegExp(`${beginning} [^.]*`).exec(readFileSync('docs/protocol.md', 'utf8')) ?? [];
  const names = [...sentence.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.toLowerCase());
  if (names.length < 4) throw new Error(`docs/protocol.md does not say: ${beginning} …`);
  return names;
}

describe('the HTTP API', () => {
  let stack: Stack;
  let agentId: string;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0, workers: 0, env: { CORS_ORIGINS: page } });
    agentId = stack.echoAgentId;
  });
  afterAll(() => stack.close());

  const post = (body: unknown, path = '/api/invocations') => stack.api.send<Problem>('POST', path, body);

  /** Sends the target and the headers unchanged. fetch would normalize them. */
  function request(path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    const { hostname, port } = new URL(stack.apiUrl);
    return new Promise((resolve, reject) => {
      httpRequest({ hostname, port, path, headers }, resolve).once('error', reject).end();
    });
  }

  it('lists the seeded agents as a JSON array', async () => {
    const { status, body } =
      await stack.api.get<{ name: string; avatar: string; workspaceId?: string }[]>('/api/agents');
    expect(status).toBe(200);
    expect(body.map(({ name }) => name)).toEqual([
      'Llama 3 Assistant',
      'GPT-4 Strategist',
      'Gemini Analyst',
      'Code Helper',
      'GPT-3.5 Turbo',
      'Echo',
    ]);
    for (const agent of body) expect(agent).toMatchObject({ avatar: expect.stringMatching(/./) });
    expect(body[0]).not.toHaveProperty('workspaceId');
  });

  it('accepts a message on both paths', async () => {
    for (const path of ['/api/invoke', '/api/invocations']) {
      const { status, body } = await post({ agentId, message: 'Hello!' }, path);
      expect(status).toBe(202);
      expect(body).toMatchObject({
        id: expect.any(String),
        conversationId: expect.any(String),
        agentId,
        status: 'queued',
      });
    }
  });

  it.each([
    ['an agent that does not exist', { agentId: nobody, message: 'x' }, 404, 'agent_not_found', 'agentId'],
    ['an agent id that is no UUID', { agentId: 'x', message: 'x' }, 422, 'invalid_request', 'agentId'],
    ['no message', {}, 422, 'invalid_request', 'message'],
    ['an empty message', { message: ' \n ' }, 422, 'invalid_request', 'message'],
    ['a message that is too long', { message: 'x'.repeat(100_001) }, 413, 'payload_too_large', 'message'],
    ['a message with NUL', { message: 'a\0b' }, 422, 'invalid_request', 'message'],
    ['a message with half a surrogate pair', { message: 'a\ud800b' }, 422, 'invalid_request', 'message'],
    ['a field that does not exist', { message: 'x', prompt: 'y' }, 422, 'invalid_request', 'prompt'],
    [
      'a strategy that does not exist',
      { message: 'x', multitaskStrategy: 'later' },
      422,
      'invalid_request',
      'multitaskStrategy',
    ],
    [
      'an override that does not fit',
      { message: 'x', overrides: { temperature: 3 } },
      422,
      'invalid_request',
      'overrides.temperature',
    ],
    [
      'an override that does not exist',
      { message: 'x', overrides: { seed: 3 } },
      422,
      'invalid_request',
      'overrides.seed',
    ],
    ['a deadline of 0', { message: 'x', deadlineMs: 0 }, 422, 'invalid_request', 'deadlineMs'],
    ['NUL in the metadata', { message: 'x', metadata: { a: 'b\0' } }, 422, 'invalid_request', 'metadata'],
    [
      'half a surrogate pair in a key of the metadata',
      { message: 'x', metadata: { 'a\ud800': [1] } },
      422,
      'invalid_request',
      'metadata',
    ],
    [
      'a conversation that is not there',
      { message: 'x', conversationId: nobody },
      404,
      'conversation_not_found',
      'conversationId',
    ],
  ])('refuses %s and names the field', async (_what, body, status, code, field) => {
    const answer = await post({ agentId, ...body });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      status,
      code,
      errors: [{ field, message: expect.any(String) }],
      requestId: answer.headers.get('x-request-id'),
    });
  });

  it.each([
    ['{"a":', 400, 'malformed_json'],
    ['"text"', 422, 'invalid_request'],
    [`{"message":"${'x'.repeat(1_100_000)}"}`, 413, 'payload_too_large'],
  ])('refuses a body that is not what it should be', async (body, status, code) => {
    const answer = await post(body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('refuses a body that is not JSON, an unknown address and an unknown method', async () => {
    const form = await stack.api.send<Problem>('POST', '/api/invoke', 'a=b', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect([form.status, form.body.code]).toEqual([415, 'unsupported_media_type']);
    const nowhere = await stack.api.get<Problem>('/api/nowhere');
    expect([nowhere.status, nowhere.body.code]).toEqual([404, 'not_found']);
    const method = await stack.api.send<Problem>('PUT', '/api/agents');
    expect([method.status, method.body.code, method.headers.get('allow')]).toEqual([
      405,
      'method_not_allowed',
      'GET, POST',
    ]);
    const undecodable = await stack.api.get<Problem>('/api/agents/%E0%A4%A');
    expect(undecodable.status).toBe(404);
  });

  it.each([
    ['http://[::/api/agents', 404],
    ['http://localhost:99999/api/conversations?limit=1', 404],
    ['http://localhost:3001/api/agents?limit=1', 200],
  ])('answers the target %s in JSON', async (path, status) => {
    const response = await request(path);
    const type = status === 200 ? 'application/json' : 'application/problem+json';
    expect([response.statusCode, response.headers['content-type']]).toEqual([status, `${type}; charset=utf-8`]);
    if (status === 200) expect(response.headers.link).toMatch(/^<\/api\/agents\?limit=1&cursor=[\w-]+>; rel="next"$/);
    response.resume();
  });

  it.each([
    ['rebound.example', 403],
    ['localhost', 200],
    ['[::1]', 200],
  ])('answers the host name %s with %i', async (host, status) => {
    const { port } = new URL(stack.apiUrl);
    const headers = { host: `${host}:${port}`, origin: `http://${host}:${port}` };
    const response = await request('/api/agents', headers);
    expect(response.statusCode).toBe(status);
    const body = (await json(response)) as Problem;
    if (status === 403) {
      expect(body).toMatchObject({
        code: 'host_not_allowed',
        detail: 'Host: expected localhost, an IP address or one of ALLOWED_HOSTS',
      });
    }
    const health = await request('/livez', headers); // health checks may use any host name
    expect(health.statusCode).toBe(200);
    health.resume();
  });

  /** The preflight of a browser. Returns the headers that the API allows, in lower case. */
  async function preflight(origin: string, method: string, header: string) {
    const { status, headers } = await fetch(`${stack.apiUrl}/api/invocations`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': header },
    });
    const listOf = (name: string) => (headers.get(name) ?? '').toLowerCase().split(', ');
    return {
      status,
      origin: headers.get('access-control-allow-origin'),
      methods: listOf('access-control-allow-methods'),
      headers: listOf('access-control-allow-headers'),
    };
  }

  it.each(promisedHeaders('They may send'))('lets pages of CORS_ORIGINS send %s', async (header) => {
    const allowed = await preflight(page, 'POST', header);
    expect(allowed).toMatchObject({ status: 204, origin: page });
    expect(allowed.methods).toEqual(expect.arrayContaining(['get', 'post', 'patch', 'delete']));
    expect(allowed.headers).toContain(header);
    expect((await preflight('https://other.example', 'POST', header)).origin).toBeNull();
  });

  it('lets pages of CORS_ORIGINS read its headers', async () => {
    const exposed = async (method: string, path: string, body?: unknown) => {
      const { status, headers } = await stack.api.send(method, path, body, { origin: page });
      expect(headers.get('access-control-allow-origin')).toBe(page);
      const readable = (headers.get('access-control-expose-headers') ?? '').toLowerCase().split(', ');
      return { status, shown: readable.filter((name) => headers.has(name)), readable };
    };
    const posted = await exposed('POST', '/api/invocations', { agentId, message: 'Hello!' });
    expect([posted.status, posted.shown]).toEqual([202, ['location', 'x-request-id']]);
    expect((await exposed('GET', '/api/agents?limit=1')).shown).toEqual(['link', 'x-request-id']);
    expect((await exposed('PUT', '/api/agents')).shown).toEqual(['allow', 'x-request-id']);
    expect(posted.readable.sort()).toEqual(promisedHeaders('They can read').sort());
  });

  it('refuses an impossible position', async () => {
    const { body: conversation } = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    const messages = `/api/conversations/${conversation.id}/messages`;
    const { status, body } = await stack.api.get<Problem>(`${messages}?after=3000000000`);
    expect([status, body.code, body.errors?.[0]?.field]).toEqual([422, 'invalid_request', 'after']);
    expect((await stack.api.get(`${messages}?after=2147483647`)).body).toEqual([]);
  });

  it('keeps a valid request id and replaces an invalid one', async () => {
    const given = await stack.api.get('/api/agents', { 'x-request-id': 'abc-123' });
    expect(given.headers.get('x-request-id')).toBe('abc-123');
    const made = await stack.api.get('/api/agents', { 'x-request-id': 'a b<c>' });
    expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('refuses an agent that is switched off', async () => {
    const { body: agent } = await stack.api.send<{ id: string }>('POST', '/api/agents', {
      name: 'Off',
      provider: 'echo',
      model: 'echo',
      active: false,
    });
    const answer = await post({ agentId: agent.id, message: 'x' });
    expect([answer.status, answer.body.code]).toEqual([409, 'agent_inactive']);
  });

  it('names the variable when no worker has credentials for the provider', async () => {
    const worker = await stack.start('worker', { WORKER_PROVIDERS: 'openai,echo' });
    const gpt = (await stack.api.get<{ id: string; provider: string }[]>('/api/agents')).body.find(
      ({ provider }) => provider === 'openai',
    );
    const answer = await post({ agentId: gpt?.id, message: 'x' });
    expect([answer.status, answer.body.code]).toEqual([409, 'provider_not_configured']);
    expect(answer.body.detail).toContain('OPENAI_API_KEY');
    await worker.stop();
  });

  it('creates, changes and deletes agents', async () => {
    const made = await stack.api.send<{ id: string; contextTokens: number }>('POST', '/api/agents', {
      name: 'Mine',
      provider: 'ollama',
      model: 'llama3',
      temperature: 0.5,
    });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'Mine', temperature: 0.5, contextTokens: 8192, active: true });
    const path = `/api/agents/${made.body.id}`;
    expect((await stack.api.send('PATCH', path, { temperature: null, name: 'Ours' })).body).toMatchObject({
      name: 'Ours',
      temperature: null,
    });
    const taken = await stack.api.send<Problem>('PATCH', path, { name: 'Echo' });
    expect([taken.status, taken.body.code, taken.body.errors?.[0]?.field]).toEqual([409, 'agent_name_taken', 'name']);
    const wrong = await stack.api.send<Problem>('POST', '/api/agents', { name: 'x', provider: 'acme', model: '' });
    expect(wrong.body.errors?.map(({ field }) => field)).toEqual(['model', 'provider']);
    expect((await stack.api.send('DELETE', path)).status).toBe(204);
    expect((await stack.api.get(path)).status).toBe(404);
  });

  it('pages through lists by the Link header, each row once', async () => {
    const ids = new Set<string>();
    const made: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      made.push((await stack.api.send<{ id: string }>('POST', '/api/conversations', { title: `c${index}` })).body.id);
    }
    let pages = 0;
    for (let path: string | undefined = '/api/conversations?limit=3'; path; pages += 1) {
      const page: { headers: Headers; body: { id: string }[] } = await stack.api.get<{ id: string }[]>(path);
      for (const { id } of page.body) {
        expect(ids.has(id)).toBe(false);
        ids.add(id);
      }
      path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(pages).toBeGreaterThan(2);
    for (const id of made) expect(ids.has(id)).toBe(true);
    const bad = await stack.api.get<Problem>('/api/conversations?cursor=nonsense');
    expect([bad.status, bad.body.code]).toEqual([422, 'invalid_cursor']);
    expect((await stack.api.get<Problem>('/api/conversations?limit=1000')).body.errors?.[0]?.field).toBe('limit');
  });

  it('gives the messages of a conversation positions without a gap, however many are posted at once', async () => {
    const { body: conversation } = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        post({ agentId, message: `m${index}`, conversationId: conversation.id }),
      ),
    );
    const { body } = await stack.api.get<{ position: number }[]>(
      `/api/conversations/${conversation.id}/messages?limit=100`,
    );
    expect(body.map(({ position }) => position)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    const busy = await stack.api.send<Problem>('DELETE', `/api/conversations/${conversation.id}`);
    expect([busy.status, busy.body.code]).toEqual([409, 'conversation_busy']);
  });

  it('ends a page of long messages early, and links to the rest', async () => {
    const { body: conversation } = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    await stack.database.query`
      INSERT INTO message (id, workspace_id, conversation_id, position, role, content)
      SELECT gen_random_uuid(), ${defaultWorkspaceId}::uuid, ${conversation.id}::uuid, n, 'user',
             repeat('0123456789', CASE n WHEN 8 THEN 500000 ELSE 100000 END)
      FROM generate_series(1, 9) n`;
    const pages: number[][] = [];
    let path: string | undefined = `/api/conversations/${conversation.id}/messages?limit=7`;
    while (path !== undefined) {
      const page: { headers: Headers; body: { position: number }[] } =
        await stack.api.get<{ position: number }[]>(path);
      pages.push(page.body.map(({ position }) => position));
      path = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(pages).toEqual([[1, 2, 3, 4, 5], [6, 7, 8], [9]]);
  });

  it('shows nothing of another workspace', async () => {
    const other = '00000000-0000-7000-8000-00000000beef';
    const ids = { agent: '00000000-0000-7000-8000-00000000a9e7', conversation: '00000000-0000-7000-8000-00000000c0de' };
    await stack.database.workspace.create({ data: { id: other, name: 'Other' } });
    await stack.database.agent.create({
      data: { id: ids.agent, workspaceId: other, name: 'Theirs', provider: 'echo', model: 'echo' },
    });
    await stack.database.conversation.create({ data: { id: ids.conversation, workspaceId: other } });
    expect((await stack.api.get(`/api/agents/${ids.agent}`)).status).toBe(404);
    expect((await stack.api.get(`/api/conversations/${ids.conversation}`)).status).toBe(404);
    expect((await stack.api.get(`/api/conversations/${ids.conversation}/messages`)).status).toBe(404);
    expect((await post({ agentId: ids.agent, message: 'x' })).status).toBe(404);
    expect((await post({ agentId, message: 'x', conversationId: ids.conversation })).status).toBe(404);
    expect(await stack.database.message.count({ where: { NOT: { workspaceId: defaultWorkspaceId } } })).toBe(0);
  });

  it('reports that a queued invocation has no worker, and ends it at its deadline when a worker sweeps', async () => {
    const { body } = await stack.api.invoke({ agentId, message: 'nobody is here', deadlineMs: 50 });
    const queued = await stack.api.get<{ status: string; workersOnline: number }>(`/api/invocations/${body.id}`);
    expect(queued.body).toMatchObject({ status: 'queued', workersOnline: 0 });
    const worker = await stack.start('worker', { WORKER_PROVIDERS: 'ollama' });
    expect(await stack.api.finished(body.id)).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' } });
    await worker.stop();
  });

  it('answers health and metrics', async () => {
    expect((await stack.api.get('/livez')).body).toEqual({ status: 'ok' });
    expect((await stack.api.get('/readyz')).body).toMatchObject({
      status: 'ok',
      checks: { database: 'ok', redis: 'ok' },
    });
    const metrics = await fetch(`${stack.apiUrl}/metrics`);
    expect(await metrics.text()).toContain('nexus_http_request_duration_seconds');
  });

  it('ends a request with a wrong content-length without harm', async () => {
    const status = await new Promise<number | string>((resolve) => {
      const request = httpRequest(`${stack.apiUrl}/api/invoke`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': '5' },
      });
      request.once('response', (response) => resolve(response.statusCode ?? 0));
      request.once('error', (error) => resolve(error.message));
      request.end('{"a":');
    });
    expect(status).toBe(400);
    expect((await stack.api.get('/livez')).status).toBe(200);
  });
});

describe('the HTTP API without Redis', () => {
  it('still accepts a request, which is answered when Redis is back', async () => {
    const stack = await openStack({ gateways: 0, workers: 0 });
    try {
      await stack.testRedis.stop();
      const startedAt = performance.now();
      const { status, body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'through the outbox' });
      expect(status).toBe(202);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      await stack.testRedis.start();
      await stack.start('worker');
      expect(await stack.api.finished(body.id)).toMatchObject({
        status: 'completed',
        output: 'You said: through the outbox',
      });
    } finally {
      await stack.close();
    }
  });

  it('answers 202 to a request for a stream, because it is stored and a second POST would store another one', async () => {
    const stack = await openStack({ gateways: 0, workers: 0 });
    try {
      await stack.testRedis.stop();
      const { status, headers, body } = await stack.api.invoke(
        { agentId: stack.echoAgentId, message: 'as a stream' },
        { accept: 'text/event-stream' },
      );
      expect([status, headers.get('location')]).toEqual([202, `/api/invocations/${body.id}`]);
      expect(headers.get('content-type')).toContain('application/json');
      expect(body).toMatchObject({ status: 'queued', eventsUrl: `/api/invocations/${body.id}/events` });
    } finally {
      await stack.close();
    }
  });

  it('enqueues by itself when Redis is back, also if it started without Redis', async () => {
    const stack = await openStack({ gateways: 0, workers: 0, apis: 0 });
    try {
      await stack.testRedis.stop();
      await stack.start('api');
      await stack.testRedis.start();
      await waitUntil(async () => (await stack.api.get('/readyz')).status === 200, { what: 'the API to be ready' });
      const { body } = await stack.api.invoke({ agentId: stack.echoAgentId, message: 'without a sweep' });
      const load = () => stack.database.invocation.findUnique({ where: { id: body.id }, select: { enqueuedAt: true } });
      await waitUntil(async () => (await load())?.enqueuedAt, { what: 'its job to be on the queue' });
    } finally {
      await stack.close();
    }
  });
});
