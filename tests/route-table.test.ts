import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleIds } from '../services/api/src/routes/example-ids.ts';
import type { Example, Route } from '../services/api/src/routes/route.ts';
import { routeTable } from './support/assert-declared.ts';
import { openStack, type Stack } from './support/open-stack.ts';

type Operation = { operationId: string; responses: Record<string, unknown>; security: unknown[] };
type Document = { openapi: string; paths: Record<string, Record<string, Operation>> };

describe('the route table', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0, workers: 1 });
    await insertExampleRows(stack);
  });
  afterAll(() => stack.close());

  const examples = routeTable.flatMap((route) => (route.examples ?? []).map((example) => ({ route, example })));

  it.each(
    examples.map(({ route, example }) => [`${route.method} ${route.path}: ${example.name}`, route, example] as const),
  )('answers the example %s as declared', async (_name, route, example) => {
    const response = await send(route, example);
    expect(response.status).toBe(example.status);
    const contentType = response.headers.get('content-type') ?? '';
    if (example.status >= 400) return expect(contentType).toContain('application/problem+json');
    const declared = route.replies[example.status];
    expect(declared).toBeDefined();
    if (contentType.startsWith('application/json'))
      expect(declared?.schema?.parse(await response.json())).toBeDefined();
    else if (contentType !== '') expect(Object.keys(declared?.others ?? {})).toContain(contentType.split(';')[0]);
  });

  it('has an example that succeeds for every route, but for those that end what others need, or that need a key', () => {
    const without = routeTable.filter((route) => !route.examples?.some(({ status }) => status < 400));
    expect(without.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'delete /api/agents/:id',
      'delete /api/conversations/:id',
      'post /api/session',
      'delete /api/keys/:id',
    ]);
  });

  it('is the document, route by route', async () => {
    const { body } = await stack.api.get<Document>('/api/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const documented = Object.entries(body.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(documented.toSorted()).toEqual(
      routeTable.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`).toSorted(),
    );
    const ids = Object.values(body.paths).flatMap((operations) =>
      Object.values(operations).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows the document on a page whose parts all come from here', async () => {
    const response = await fetch(`${stack.apiUrl}/docs`);
    const page = await response.text();
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    const addresses = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(3);
    for (const address of addresses) {
      expect(address).toMatch(/^\/docs\//);
      expect((await fetch(`${stack.apiUrl}${address}`)).status).toBe(200);
    }
  });

  async function send({ method, path }: Route, { params = {}, query, headers, body }: Example): Promise<Response> {
    const filled = Object.entries(params).reduce((url, [name, value]) => url.replace(`:${name}`, value), path);
    const search = query ? `?${new URLSearchParams(query)}` : '';
    return fetch(`${stack.apiUrl}${filled}${search}`, {
      method: method.toUpperCase(),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
});

/** An answered invocation, under the ids that examples name. */
async function insertExampleRows({ api, database, echoAgentId }: Stack): Promise<void> {
  const { body } = await api.invoke({ agentId: echoAgentId, message: 'one two' });
  await api.finished(body.id);
  const rename = (table: string, from: string, to: string, column = 'id') =>
    database.$executeRawUnsafe(`UPDATE ${table} SET ${column} = '${to}'::uuid WHERE ${column} = '${from}'::uuid`);
  await database.$executeRawUnsafe(`
    INSERT INTO conversation (id, workspace_id, title, message_count, line)
    SELECT '${exampleIds.conversation}', workspace_id, title, message_count, line FROM conversation WHERE id = '${body.conversationId}'`);
  for (const table of ['message', 'invocation'])
    await rename(table, body.conversationId, exampleIds.conversation, 'conversation_id');
  await database.$executeRawUnsafe(`ALTER TABLE usage_record DISABLE TRIGGER ALL`);
  await rename('message', body.id, exampleIds.invocation, 'invocation_id');
  await rename('usage_record', body.id, exampleIds.invocation, 'invocation_id');
  await rename('invocation', body.id, exampleIds.invocation);
  const { body: key } = await api.send<{ id: string }>('POST', '/api/keys', { name: 'Example', scopes: ['read'] });
  await rename('api_key', key.id, exampleIds.key);
}
