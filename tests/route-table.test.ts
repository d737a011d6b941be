import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeTable } from './support/assert-declared.ts';
import { insertExampleRows } from './support/insert-example-rows.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { sendExample } from './support/send-example.ts';

type Reply = { description: string; headers?: Record<string, unknown> };
type Operation = { operationId: string; responses: Record<string, Reply>; security: unknown[] };
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
    const response = await sendExample(stack.apiUrl, route, example);
    expect(response.status).toBe(example.status);
    const contentType = response.headers.get('content-type') ?? '';
    if (example.status >= 400 && route.protocol)
      return expect(route.protocol.errorSchema.parse(await response.json())).toBeDefined();
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
      'delete /api/connections/:id',
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
    for (const { responses } of Object.values(body.paths).flatMap((operations) => Object.values(operations))) {
      expect(responses[429]?.description).toContain('`rate_limited`');
      expect(Object.keys(responses[429]?.headers ?? {})).toEqual(['Retry-After', 'RateLimit-Policy', 'RateLimit']);
    }
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
});
