import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStack, type Stack } from './support/open-stack.ts';

type Shown = { id: string; baseUrl: string | null; keys: { id: string; lastFour: string }[]; headerNames: string[] };
type Problem = { code: string; detail?: string; errors?: { field: string; message: string }[] };
type KeyAnswer = { keyId: string | null; lastFour: string | null; ok: boolean; status: number | null; code: string };
type Test = { ok: boolean; modelCount: number | null; answers: KeyAnswer[] };
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const bodySecret = 'words of a server that no tenant may read';
const [badKey, goodKey, otherKey] = ['sk-rejected-key-aaaa', 'sk-accepted-key-bbbb', 'sk-another-key-cccc'];

describe('connections', () => {
  let stack: Stack;
  let answer: Answer;
  let requests: IncomingMessage[] = [];
  /** Stands for a provider: the stack allows its address. */
  const provider = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  /** The same on an address that the stack does not allow. */
  let insideConnections = 0;
  const inside = createServer((_request, response) => response.end(bodySecret));
  inside.on('connection', () => {
    insideConnections += 1;
  });
  let port = 0;
  let names = 0;

  beforeAll(async () => {
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    port = (provider.address() as AddressInfo).port;
    await new Promise<void>((resolve) => inside.listen(port, '127.0.0.2', resolve));
    stack = await openStack({ gateways: 0, workers: 1, env: { ADDRESS_ALLOW_LIST: '127.0.0.1' } });
  });
  afterAll(async () => {
    await stack?.close();
    for (const server of [provider, inside]) server.closeAllConnections();
    await Promise.all([provider, inside].map((server) => new Promise((resolve) => server.close(resolve))));
  });
  afterEach(() => {
    requests = [];
    insideConnections = 0;
  });

  const send = <T>(method: string, path: string, body?: unknown) => stack.api.send<T>(method, path, body);
  const base = (host = '127.0.0.1', path = '/v1') => `http://${host}:${port}${path}`;
  async function create(body: object): Promise<Shown> {
    names += 1;
    const made = await send<Shown>('POST', '/api/connections', { name: `Connection ${names}`, ...body });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    return made.body;
  }
  const openAi = (keys: string[] = [goodKey], more: object = {}) =>
    create({ provider: 'openai', baseUrl: base(), keys: keys.map((key) => ({ key })), ...more });
  const test = async (id: string) => (await send<Test>('POST', `/api/connections/${id}/test`)).body;
  const models = (id: string) => send<{ id: string }[]>('GET', `/api/connections/${id}/models`);
  const json = (response: ServerResponse, body: unknown, status = 200) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const openAiList = { data: [{ id: 'model-b' }, { id: 'model-a' }] };

  describe('what is stored', () => {
    it('shows the last four characters of a key and the names of headers, and holds nothing readable', async () => {
      const made = await openAi([goodKey, 'short'], { headers: { 'x-team': 'secret-team' } });
      expect(made.keys.map(({ lastFour }) => lastFour)).toEqual(['bbbb', '']);
      expect(made.headerNames).toEqual(['x-team']);
      const shown = JSON.stringify([
        made,
        (await send('GET', `/api/connections/${made.id}`)).body,
        (await send('GET', '/api/connections?limit=100')).body,
        (await send('GET', `/api/audit?targetId=${made.id}`)).body,
        await stack.database.$queryRawUnsafe(
          'SELECT to_jsonb(c)::text AS a, to_jsonb(k)::text AS b FROM connection c LEFT JOIN connection_key k ON k.connection_id = c.id',
        ),
        stack.apis[0]?.output(),
      ]);
      expect(shown).not.toContain(goodKey);
      expect(shown).not.toContain('secret-team');
      expect(shown).toContain('nxe1.');
    });

    it('keeps keys by their ids, adds others, and puts them in the order that was asked for', async () => {
      const made = await openAi([badKey, goodKey]);
      const [first, second] = made.keys;
      const { body } = await send<Shown>('PATCH', `/api/connections/${made.id}`, {
        keys: [{ key: otherKey }, { id: second?.id }],
      });
      expect(body.keys.map(({ lastFour }) => lastFour)).toEqual(['cccc', 'bbbb']);
      expect(body.keys[1]?.id).toBe(second?.id);
      const foreign = await send<Problem>('PATCH', `/api/connections/${made.id}`, { keys: [{ id: first?.id }] });
      expect([foreign.status, foreign.body.errors?.[0]?.field]).toEqual([422, 'keys.0.id']);
      answer = (request, response) =>
        json(response, openAiList, request.headers.authorization === `Bearer ${otherKey}` ? 200 : 500);
      expect((await models(made.id)).status).toBe(200);
    });

    it('takes stored keys and headers to no other server', async () => {
      const made = await openAi([goodKey], { headers: { 'x-team': 'secret-team' } });
      const elsewhere = 'https://elsewhere.example/v1';
      const patch = (body: object) => send<Problem>('PATCH', `/api/connections/${made.id}`, body);
      const kept = { keys: [{ id: made.keys[0]?.id }], headers: {} };
      for (const body of [{}, kept, { keys: [{ key: goodKey }] }])
        expect((await patch({ baseUrl: elsewhere, ...body })).status).toBe(422);
      expect((await patch({ baseUrl: base('127.0.0.1', '/v2') })).status).toBe(200);
      expect((await patch({ baseUrl: elsewhere, keys: [{ key: goodKey }], headers: {} })).status).toBe(200);
    });

    it('gives echo no keys, neither at first nor later', async () => {
      const { id } = await create({ provider: 'echo' });
      const { status, body } = await send<Problem>('PATCH', `/api/connections/${id}`, { keys: [{ key: goodKey }] });
      expect([status, body.errors?.[0]?.field]).toEqual([422, 'keys']);
    });

    it('checks a changed address as it does the first', async () => {
      const made = await openAi();
      const patch = (baseUrl: unknown) => send<Problem>('PATCH', `/api/connections/${made.id}`, { baseUrl });
      for (const bad of ['no url', 'https://a:b@a.example', 'https://a.example/v1/chat/completions']) {
        const { status, body } = await patch(bad);
        expect([status, body.code, body.errors?.[0]?.field]).toEqual([422, 'invalid_request', 'baseUrl']);
      }
      expect((await patch(base('127.0.0.2'))).body.code).toBe('address_not_allowed');
    });

    it('notes who changed what, without a secret', async () => {
      const made = await openAi([goodKey]);
      await send('PATCH', `/api/connections/${made.id}`, { keys: [{ key: otherKey }], headers: { 'x-a': 'secret-1' } });
      await send('PATCH', `/api/connections/${made.id}`, { headers: { 'x-a': 'secret-2' } });
      await send('DELETE', `/api/connections/${made.id}`);
      const { body } = await send<{ action: string; changes: Record<string, unknown> }[]>(
        'GET',
        `/api/audit?targetId=${made.id}`,
      );
      expect(body.map(({ action, changes }) => [action, Object.keys(changes).toSorted()])).toEqual([
        ['connection.deleted', ['baseUrl', 'headerNames', 'keys', 'name', 'provider']],
        ['connection.changed', ['headers']],
        ['connection.changed', ['headerNames', 'headers', 'keys']],
        ['connection.created', ['baseUrl', 'headerNames', 'keys', 'name', 'provider']],
      ]);
      expect(JSON.stringify(body)).not.toMatch(/secret-|sk-/);
      const left = await stack.database.connectionKey.count({ where: { connectionId: made.id } });
      expect(left).toBe(0);
    });

    it.each<[what: string, body: object, field: string]>([
      ['the name default', { name: 'Default', provider: 'openai' }, 'name'],
      ['no address where none is usual', { provider: 'ollama' }, 'baseUrl'],
      [
        'the path that a call appends',
        { provider: 'openai', baseUrl: 'https://a.example/v1/chat/completions' },
        'baseUrl',
      ],
      ['a URL with a password', { provider: 'openai', baseUrl: 'https://a:b@a.example' }, 'baseUrl'],
      ['an address for echo', { provider: 'echo', baseUrl: 'https://a.example' }, 'baseUrl'],
      ['a key of two lines', { provider: 'openai', keys: [{ key: 'sk-a\nb' }] }, 'keys.0.key'],
      ['a key in quotes', { provider: 'openai', keys: [{ key: '"sk-a"' }] }, 'keys.0.key'],
      [
        'a header that frames the request',
        { provider: 'openai', headers: { 'Content-Length': '1' } },
        'headers.Content-Length',
      ],
      ['a header with a line end', { provider: 'openai', headers: { 'x-a': 'b\r\nc: d' } }, 'headers.x-a'],
      ['twice the same header', { provider: 'openai', headers: { 'x-a': 'b', 'X-A': 'c' } }, 'headers'],
      ['21 keys', { provider: 'openai', keys: Array.from({ length: 21 }, () => ({ key: goodKey })) }, 'keys'],
    ])('refuses %s', async (_what, body, field) => {
      const refused = await send<Problem>('POST', '/api/connections', { name: 'Refused', ...body });
      expect([refused.status, refused.body.errors?.map((each) => each.field)]).toEqual([422, [field]]);
      expect(JSON.stringify(refused.body)).not.toContain('sk-a');
    });

    it('refuses a name that is taken', async () => {
      await create({ name: 'Taken', provider: 'echo' });
      const again = await send<Problem>('POST', '/api/connections', { name: 'Taken', provider: 'echo' });
      expect([again.status, again.body.code]).toEqual([409, 'connection_name_taken']);
    });
  });

  describe('the call for models', () => {
    it.each([
      ['openai', '/v1', '/v1/models', 'authorization', `Bearer ${goodKey}`, openAiList],
      [
        'gemini',
        '',
        '/v1beta/models?pageSize=1000',
        'x-goog-api-key',
        goodKey,
        { models: [{ name: 'models/model-b' }, { name: 'models/model-a' }] },
      ],
      [
        'ollama',
        '',
        '/api/tags',
        'authorization',
        `Bearer ${goodKey}`,
        { models: [{ name: 'model-b' }, { name: 'model-a' }] },
      ],
    ])('is the one of %s, with the key and the headers', async (name, path, asked, header, value, list) => {
      const made = await create({
        provider: name,
        baseUrl: base('127.0.0.1', path),
        keys: [{ key: goodKey }],
        headers: { 'X-Team': 'blue' },
      });
      answer = (_request, response) => json(response, list);
      const { status, body } = await models(made.id);
      expect([status, body]).toEqual([200, [{ id: 'model-a' }, { id: 'model-b' }]]);
      expect(requests.map(({ url, headers }) => [url, headers[header], headers['x-team']])).toEqual([
        [asked, value, 'blue'],
      ]);
      expect(await test(made.id)).toMatchObject({
        ok: true,
        modelCount: 2,
        answers: [{ lastFour: 'bbbb', status: 200 }],
      });
    });

    it('needs no server for echo', async () => {
      const made = await create({ provider: 'echo' });
      expect((await models(made.id)).body).toEqual([{ id: 'echo' }]);
      expect(await test(made.id)).toMatchObject({ ok: true, modelCount: 1 });
    });

    it.each([
      [401, 'provider_key_rejected'],
      [403, 'provider_key_rejected'],
      [429, 'provider_rate_limited'],
    ])('goes to the next key after %i, and says what each key was told', async (refusal, code) => {
      const made = await openAi([badKey, goodKey, otherKey]);
      answer = (request, response) =>
        request.headers.authorization === `Bearer ${badKey}`
          ? json(response, { error: { message: `bad ${badKey} ${bodySecret}` } }, refusal)
          : json(response, openAiList);
      expect((await models(made.id)).status).toBe(200);
      expect(requests).toHaveLength(2);
      const result = await test(made.id);
      expect(result.ok).toBe(true);
      expect(result.answers.map(({ lastFour, status, code: said }) => [lastFour, status, said])).toEqual([
        ['aaaa', refusal, code],
        ['bbbb', 200, null],
        ['cccc', 200, null],
      ]);
      expect(JSON.stringify(result)).not.toMatch(/words of a server|sk-/);
    });

    it.each<[what: string, answers: Answer, code: string]>([
      ['an error', (_, response) => json(response, { error: bodySecret }, 500), 'provider_unavailable'],
      ['404', (_, response) => json(response, { error: bodySecret }, 404), 'provider_request_rejected'],
      ['a web page', (_, response) => response.end(`<html>${bodySecret}`), 'provider_protocol_error'],
      ['another JSON', (_, response) => json(response, { secret: bodySecret }), 'provider_protocol_error'],
      [
        'a redirect',
        (_, response) => response.writeHead(302, { location: base('127.0.0.2') }).end(),
        'provider_protocol_error',
      ],
      ['more than it may', (_, response) => response.end(`"${'x'.repeat(5_000_000)}"`), 'provider_protocol_error'],
      ['nothing, and breaks off', (request) => request.socket.destroy(), 'provider_unreachable'],
    ])('stops at %s, and repeats no word of it', async (_what, answers, code) => {
      const made = await openAi([goodKey, otherKey]);
      answer = answers;
      const result = await test(made.id);
      expect([result.ok, result.answers.map((each) => each.code)]).toEqual([false, [code]]);
      const listed = await send<Problem>('GET', `/api/connections/${made.id}/models`);
      expect(listed.body.code).toBe(code);
      expect(JSON.stringify([result, listed.body])).not.toContain(bodySecret);
      expect(insideConnections).toBe(0);
    });

    it('ends after ten seconds', async () => {
      const made = await openAi([goodKey, otherKey]);
      answer = () => {};
      const startedAt = performance.now();
      expect((await test(made.id)).answers.map(({ code }) => code)).toEqual(['provider_unreachable']);
      expect(performance.now() - startedAt).toBeLessThan(20_000);
    });
  });

  describe('addresses inside', () => {
    it.each(['127.0.0.2', '2130706434', '0x7f.2', '0177.0.0.2', '[::ffff:127.0.0.2]', '[64:ff9b::7f00:2]', '[::1]'])(
      'are refused as %s, when the connection is stored',
      async (host) => {
        const refused = await send<Problem>('POST', '/api/connections', {
          name: 'Inside',
          provider: 'openai',
          baseUrl: base(host),
        });
        expect([refused.status, refused.body.code]).toEqual([422, 'address_not_allowed']);
        expect(refused.body.detail).toContain('(loopback)');
      },
    );

    it('are refused when the socket connects, by the rule and without a word of the server', async () => {
      const made = await openAi();
      // As if its name had led elsewhere when it was stored.
      await stack.database.connection.update({ where: { id: made.id }, data: { baseUrl: base('127.0.0.2') } });
      const result = await test(made.id);
      expect(result.answers).toMatchObject([{ ok: false, status: null, code: 'address_not_allowed' }]);
      const listed = await send<Problem>('GET', `/api/connections/${made.id}/models`);
      expect([listed.status, listed.body.code]).toEqual([422, 'address_not_allowed']);
      expect(JSON.stringify([result, listed.body])).not.toContain(bodySecret);
      expect(insideConnections).toBe(0);
    });
  });

  describe('agents', () => {
    const newAgent = (body: object) => {
      names += 1;
      return send<{ id: string } & Problem>('POST', '/api/agents', { name: `Agent ${names}`, model: 'm', ...body });
    };

    it('name a connection of their own provider', async () => {
      const { id: connectionId } = await openAi();
      const made = await newAgent({ provider: 'openai', connectionId });
      expect([made.status, made.body]).toEqual([201, expect.objectContaining({ connectionId })]);
      const other = await newAgent({ provider: 'gemini', connectionId });
      expect([other.status, other.body.errors?.[0]?.field]).toEqual([422, 'connectionId']);
      const patch = (body: object) => send<Problem>('PATCH', `/api/agents/${made.body.id}`, body);
      expect((await patch({ provider: 'gemini' })).status).toBe(422);
      expect((await patch({ provider: 'gemini', connectionId: null })).status).toBe(200);
      expect((await patch({ connectionId })).status).toBe(422);
    });

    it('say that their connection is gone, and leave no conversation behind', async () => {
      const { id: connectionId } = await create({ provider: 'echo' });
      const { body: agent } = await newAgent({ provider: 'echo', connectionId });
      await send('DELETE', `/api/connections/${connectionId}`);
      const before = await stack.database.conversation.count();
      const refused = await stack.api.invoke({ agentId: agent.id, message: 'x' });
      expect([refused.status, (refused.body as unknown as Problem).code]).toEqual([409, 'agent_connection_missing']);
      expect(await stack.database.conversation.count()).toBe(before);
    });

    it('are never answered by the default in the place of their connection', async () => {
      const { id: connectionId } = await create({ provider: 'echo' });
      const { body: agent } = await newAgent({ provider: 'echo', connectionId });
      const { body } = await stack.api.invoke({ agentId: agent.id, message: 'x' });
      const ended = await stack.api.finished(body.id);
      expect([ended.status, ended.error?.code]).toEqual(['failed', 'provider_not_configured']);
    });
  });
});
