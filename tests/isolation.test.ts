import { scopes } from '@nexus/common/principals/scope';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleIds } from '../services/api/src/routes/example-ids.ts';
import type { Example, Route } from '../services/api/src/routes/route.ts';
import { routeTable } from './support/assert-declared.ts';
import { insertExampleRows } from './support/insert-example-rows.ts';
import { makeKey } from './support/make-key.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { sendExample } from './support/send-example.ts';

/** Everything that one workspace must not see of another. */
const { nothing, ...known } = exampleIds;
const knownIds = Object.values(known);

/** Routes of the installation, which belong to no workspace. */
const ofOperators = routeTable.filter(({ scope }) => scope === 'operator');
const guarded = routeTable.filter(({ scope }) => scope !== null && scope !== 'operator');

describe('what a key may reach', () => {
  let stack: Stack;
  let own: Record<string, string>;
  let foreign: Record<string, string>;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    stack = await openStack({ workers: 1, gateways: 1, env: { NEXUS_AUTH: 'keys' } });
    own = asHeader(await makeKey(stack.testDatabase.url, scopes));
    await insertExampleRows(stack, own);
    const { body } = await stack.api.send<{ id: string }>('POST', '/api/workspaces', { name: 'Other' }, own);
    const others = scopes.filter((scope) => scope !== 'operator');
    foreign = asHeader(await makeKey(stack.testDatabase.url, others, body.id));
  });
  afterAll(async () => {
    for (const socket of sockets) socket.close();
    await stack.close();
  });

  it.each([...guarded, ...ofOperators].map((route) => [`${route.method} ${route.path}`, route] as const))(
    'is not %s without its scope',
    async (_name, route) => {
      const without = scopes.filter((scope) => scope !== route.scope);
      const headers = asHeader(await makeKey(stack.testDatabase.url, without));
      const response = await sendExample(stack.apiUrl, route, { params: { id: nothing } }, headers);
      expect([response.status, codeOf(await response.json())]).toEqual([403, missingScope(route)]);
    },
  );

  const naming = guarded.flatMap((route) =>
    (route.examples ?? [])
      .filter((example) => example.status !== 422 && knownIds.some((id) => JSON.stringify(example).includes(id)))
      .map((example) => [`${route.method} ${route.path}: ${example.name}`, route, example] as const),
  );

  it.each(naming)('shows another workspace nothing more than an unknown id by %s', async (_name, route, example) => {
    const [there, nowhere] = [await ask(route, example), await ask(route, withUnknownIds(example))];
    expect(there).toEqual(nowhere);
    expect(there.status).toBe(404);
  });

  it.each(
    guarded
      .filter(({ method, path }) => method === 'get' && !path.includes(':'))
      .map((route) => [route.path, route] as const),
  )('lists nothing of another workspace at %s', async (_path, route) => {
    const response = await sendExample(stack.apiUrl, route, {}, foreign);
    const text = await response.text();
    expect(response.status).toBe(200);
    for (const id of knownIds.filter((each) => each !== known.workspace)) expect(text).not.toContain(id);
  });

  it('covers every route with an id in its path', () => {
    const covered = new Set(naming.map(([, { method, path }]) => `${method} ${path}`));
    const missed = guarded.filter(({ method, path }) => path.includes(':id') && !covered.has(`${method} ${path}`));
    expect(missed.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'delete /api/agents/:id',
      'delete /api/conversations/:id',
      'delete /api/keys/:id',
      'delete /api/connections/:id',
    ]);
  });

  it.each(missingDeletes())('deletes nothing of another workspace by %s', async (path, id) => {
    const route = { method: 'delete', path } as Route;
    const response = await sendExample(stack.apiUrl, route, { params: { id } }, foreign);
    expect(response.status).toBe(404);
  });

  it.each([
    ['conversation:subscribe', { conversationId: known.conversation }, 'conversation_not_found'],
    ['invocation:cancel', { invocationId: known.invocation }, 'invocation_not_found'],
  ])('answers a socket of another workspace that sends %s as for an unknown id', async (name, request, code) => {
    const socket = await connect(foreign);
    const answer = await socket.emitWithAck(name, request);
    const unknown = await socket.emitWithAck(name, withUnknownIds(request));
    expect(answer.error.code).toBe(code);
    expect(masked(answer)).toEqual(masked(unknown));
    const mine = await connect(own);
    expect(await mine.emitWithAck(name, request)).toHaveProperty('data');
  });

  it.each([
    ['conversation:subscribe', { conversationId: known.conversation }, 'read'],
    ['invocation:cancel', { invocationId: known.invocation }, 'invoke'],
  ] as const)('answers a socket without its scope that sends %s with scope_missing', async (name, request, scope) => {
    const without = scopes.filter((each) => each !== scope);
    const socket = await connect(asHeader(await makeKey(stack.testDatabase.url, without)));
    expect((await socket.emitWithAck(name, request)).error.code).toBe('scope_missing');
  });

  describe('with a token for one conversation', () => {
    let token: Record<string, string>;
    let elsewhere: string;
    beforeAll(async () => {
      const asked = { scopes: ['read', 'invoke'], conversationId: known.conversation };
      const { body } = await stack.api.send<{ token: string }>('POST', '/api/tokens', asked, own);
      token = asHeader(body.token);
      const other = await stack.api.invoke({ agentId: known.agent, message: 'elsewhere' }, own);
      elsewhere = other.body.id;
    });
    const toAsk = guarded.filter(({ scope }) => scope === 'read' || scope === 'invoke');
    const ofIt = ({ names }: Route) => names === 'conversation' || names === 'invocation';
    const examplesOf = (routes: Route[]) =>
      routes.flatMap((route) =>
        (route.examples ?? []).map(
          (example) => [`${route.method} ${route.path}: ${example.name}`, route, example] as const,
        ),
      );
    const succeeding = examplesOf(toAsk.filter(ofIt)).filter(([, , { status }]) => status < 400);
    const others = toAsk.filter((route) => !ofIt(route));

    it.each(succeeding)('answers %s, which is about it', async (_name, route, example) => {
      expect((await sendExample(stack.apiUrl, route, example, token)).status).toBe(example.status);
    });

    it.each(others.map((route) => [`${route.method} ${route.path}`, route] as const))(
      'refuses %s, which is not',
      async (_name, route) => {
        const [example = {}] = route.examples ?? [];
        const response = await sendExample(stack.apiUrl, route, example, token);
        const code = codeOf(await response.json());
        if (!route.path.includes(':')) return expect([response.status, code]).toEqual([403, missingScope(route)]);
        expect(response.status).toBe(404);
      },
    );

    it.each(toAsk.filter(ofIt).map((route) => [`${route.method} ${route.path}`, route] as const))(
      'answers %s of another as for an unknown id',
      async (_name, route) => {
        const { body: foreignRow } = await stack.api.get<{ conversationId: string }>(
          `/api/invocations/${elsewhere}`,
          own,
        );
        const id = route.names === 'invocation' ? elsewhere : foreignRow.conversationId;
        const [example] = route.examples ?? [];
        const body = route.body && (example?.body ?? (route.method === 'patch' ? { title: 'x' } : {}));
        const askFor = async (asked: string) => {
          const response = await sendExample(stack.apiUrl, route, { ...example, params: { id: asked }, body }, token);
          return {
            status: response.status,
            body: JSON.stringify(masked(await response.json())).replaceAll(asked, 'ID'),
          };
        };
        const [there, nowhere] = [await askFor(id), await askFor(nothing)];
        expect(there).toEqual(nowhere);
        expect(there.status).toBe(404);
      },
    );

    it('asks in it, and nowhere else', async () => {
      const ask = async (more: object) => {
        const asked = { agentId: known.agent, message: 'again', ...more };
        return (await stack.api.invoke(asked, token)).status;
      };
      expect(await ask({ conversationId: known.conversation })).toBe(202);
      expect(await ask({ conversationId: nothing })).toBe(404);
      expect(await ask({})).toBe(403);
    });

    it('watches and cancels nothing else over a socket', async () => {
      const socket = await connect(token);
      const { body } = await stack.api.get<{ conversationId: string }>(`/api/invocations/${elsewhere}`, own);
      const subscribe = (conversationId: string) => socket.emitWithAck('conversation:subscribe', { conversationId });
      expect(await subscribe(known.conversation)).toHaveProperty('data');
      expect((await subscribe(body.conversationId)).error.code).toBe('conversation_not_found');
      const cancelled = await socket.emitWithAck('invocation:cancel', { invocationId: elsewhere });
      expect(cancelled.error.code).toBe('invocation_not_found');
    });
  });

  describe('with a key for one agent', () => {
    let key: Record<string, string>;
    let otherAgent: string;
    beforeAll(async () => {
      const made = await stack.api.send<{ id: string }>(
        'POST',
        '/api/agents',
        { name: 'Beyond', provider: 'echo', model: 'echo' },
        own,
      );
      otherAgent = made.body.id;
      const asked = { name: 'One agent', scopes: ['read', 'invoke', 'manage'], agentIds: [known.agent] };
      key = asHeader((await stack.api.send<{ token: string }>('POST', '/api/keys', asked, own)).body.token);
    });

    const ofAgents = guarded.filter(({ names }) => names === 'agent' || names === 'model');
    it.each(ofAgents.map((route) => [`${route.method} ${route.path}`, route] as const))(
      'answers %s of another as for an unknown id',
      async (_name, route) => {
        const askFor = async (asked: string) => {
          const params = { id: asked, model: asked };
          const response = await sendExample(stack.apiUrl, route, { params, ...(route.body ? { body: {} } : {}) }, key);
          return { status: response.status, body: (await response.text()).replaceAll(asked, 'ID') };
        };
        const [there, nowhere] = [await askFor(otherAgent), await askFor(nothing)];
        expect({ ...there, body: withoutRequest(there.body) }).toEqual({
          ...nowhere,
          body: withoutRequest(nowhere.body),
        });
        expect(there.status).toBe(404);
      },
    );

    it('lists and asks that one alone, in every protocol', async () => {
      const agents = await stack.api.get<{ id: string }[]>('/api/agents', key);
      expect(agents.body.map(({ id }) => id)).toEqual([known.agent]);
      const models = await stack.api.get<{ data: { id: string }[] }>('/v1/models', key);
      expect(models.body.data.map(({ id }) => id)).toEqual(['echo']);
      const ask = async (agentId: string) => (await stack.api.invoke({ agentId, message: 'x' }, key)).status;
      expect([await ask(known.agent), await ask(otherAgent)]).toEqual([202, 404]);
      const messages = [{ role: 'user', content: 'x' }];
      const chat = (model: string) => stack.api.send('POST', '/v1/chat/completions', { model, messages }, key);
      expect([(await chat('echo')).status, (await chat('beyond')).status]).toEqual([200, 404]);
      const made = await stack.api.send('POST', '/api/agents', { name: 'New', provider: 'echo', model: 'echo' }, key);
      expect(made.status).toBe(403);
    });
  });

  async function ask(route: Route, example: Omit<Example, 'name' | 'status'>) {
    const response = await sendExample(stack.apiUrl, route, example, foreign);
    return { status: response.status, body: masked(await response.json()) };
  }

  async function connect(headers: Record<string, string>): Promise<Socket> {
    const token = headers.authorization?.split(' ')[1];
    const socket = io(stack.gatewayUrl, { transports: ['websocket'], reconnection: false, auth: { token } });
    sockets.push(socket);
    await new Promise((resolve, reject) => socket.once('connection:ready', resolve).once('connect_error', reject));
    return socket;
  }
});

type Refusal = { code?: string; error?: { code: string } };

function codeOf(body: unknown): string | undefined {
  const { code, error } = body as Refusal;
  return code ?? error?.code;
}

function missingScope({ protocol }: Route): string {
  return protocol ? 'insufficient_permissions' : 'scope_missing';
}

function asHeader(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

function withoutRequest(body: string): string {
  return body.replaceAll(/"requestId":"[^"]*"/g, '');
}

function withUnknownIds<T>(value: T): T {
  return JSON.parse(knownIds.reduce((text, id) => text.replaceAll(id, nothing), JSON.stringify(value))) as T;
}

/** Without the ids that were asked for, and that of the request. */
function masked(body: unknown): unknown {
  const text = JSON.stringify(body).replaceAll(/"requestId":"[^"]*"/g, '');
  return [...knownIds, nothing].reduce((masking, id) => masking.replaceAll(id, 'ID'), text);
}

function missingDeletes(): [path: string, id: string][] {
  return [
    ['/api/agents/:id', known.agent],
    ['/api/conversations/:id', known.conversation],
    ['/api/keys/:id', known.key],
    ['/api/connections/:id', known.connection],
  ];
}
