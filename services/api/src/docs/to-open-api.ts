import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from '@asteasolutions/zod-to-openapi';
import { AppError } from '@nexus/common/errors/app-error';
import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import { z } from 'zod';
import type { Example, Route } from '../routes/route.ts';
import { tags } from '../routes/tags.ts';

const problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    instance: z.string(),
    code: z.enum(Object.keys(errorMeanings) as [ErrorCode, ...ErrorCode[]]),
    requestId: z.string(),
    errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457; `code` is stable, texts are not' });

/** As in draft-ietf-httpapi-ratelimit-headers-10. */
const limitHeaders = z.object({
  'Retry-After': z.string().describe('Seconds to wait'),
  'RateLimit-Policy': z.string().optional().describe('The limit: its name, `q` requests in `w` seconds'),
  RateLimit: z.string().optional().describe('How it stands: `r` requests left, for `t` seconds'),
});

const license = { name: 'MIT', identifier: 'MIT' };

/** The OpenAPI 3.1 document of a route table. */
export function toOpenApi(routes: Route[]) {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'A key, `nx_…`',
  });
  for (const route of routes) registry.registerPath(toPath(route));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Agent Nexus',
      version: '0.1.0',
      license,
      description: 'A queue-driven backend for AI agents. Events, sockets and cursors: docs/protocol.md.',
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
  });
}

function toPath(route: Route): RouteConfig {
  const { method, tag, summary, description, scope, params, query, headers, body } = route;
  return {
    method,
    path: route.path.replaceAll(/:(\w+)/g, '{$1}'),
    operationId: toOperationId(route),
    tags: [tag],
    summary,
    ...(description === undefined && scope === null
      ? {}
      : { description: [description, scope && `Scope: \`${scope}\`.`].filter(Boolean).join(' ') }),
    security: scope === null ? [] : [{ key: [] }],
    request: {
      ...(params ? { params: params as z.ZodObject } : {}),
      ...(query ? { query: query as z.ZodObject } : {}),
      ...(headers ? { headers: headers as z.ZodObject } : {}),
      ...(body
        ? {
            body: {
              required: !body.safeParse({}).success,
              content: { 'application/json': { schema: body, ...examplesOf(route) } },
            },
          }
        : {}),
    },
    responses: { ...ownReplies(route), ...refusals(route) },
  };
}

function ownReplies({ replies }: Route): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(replies).map(([status, { description, schema, others = {} }]) => {
      const byType = Object.entries({ ...(schema ? { 'application/json': schema } : {}), ...others });
      const content = Object.fromEntries(byType.map(([type, of]) => [type, { schema: of }]));
      return [status, { description, ...(byType.length > 0 ? { content } : {}) }];
    }),
  );
}

/** The refusals of every route, and its own, by status. */
function refusals(route: Route): RouteConfig['responses'] {
  const { errors = [], scope, lasts, params, query, headers, body, protocol } = route;
  const codes: ErrorCode[] = [
    ...errors,
    ...(params || query || headers || body ? (['invalid_request'] as const) : []),
    ...(body ? (['malformed_json', 'payload_too_large', 'unsupported_media_type'] as const) : []),
    ...(scope === null ? [] : (['unauthorized', 'scope_missing', 'workspace_not_found'] as const)),
    'rate_limited',
    ...(lasts ? (['too_many_streams'] as const) : []),
    'internal_error',
    'database_unavailable',
  ];
  const statusOf = (code: ErrorCode) => protocol?.toError(new AppError(code), '').status ?? errorMeanings[code].status;
  const byStatus = Map.groupBy(new Set(codes), statusOf);
  const content = protocol
    ? { 'application/json': { schema: protocol.errorSchema } }
    : { 'application/problem+json': { schema: problem } };
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      status,
      {
        description: ofStatus.map((code) => `\`${code}\``).join(', '),
        ...(status === 429 ? { headers: limitHeaders } : {}),
        content,
      },
    ]),
  );
}

function examplesOf({ examples = [] }: Route) {
  const withBody = examples.filter(
    (example): example is Example & { body: unknown } =>
      example.body !== undefined && example.status !== 422 && example.status !== 400,
  );
  if (withBody.length === 0) return {};
  return {
    examples: Object.fromEntries(
      withBody.map(({ name, body, status }) => [name, { summary: `${name}: ${status}`, value: body }]),
    ),
  };
}

/** `get /api/agents/:id` → `getAgentsById`. */
function toOperationId({ method, path }: Route): string {
  const words = path.split('/').filter((part) => part !== '' && part !== 'api');
  const named = words.map((part) =>
    part.startsWith(':') ? `By${capitalize(part.slice(1))}` : part.split('-').map(capitalize).join(''),
  );
  return method + named.join('');
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
