import { loadConnection } from '@nexus/common/connections/load-connection';
import { AppError } from '@nexus/common/errors/app-error';
import { connectionNotFound } from '@nexus/common/errors/not-found';
import type { AddressGuard } from '@nexus/common/guard/address-guard';
import type { GuardedFetch } from '@nexus/common/guard/open-guarded-fetch';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Access } from '@nexus/common/principals/open-access';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import { z } from 'zod';
import { pageFields, readCursor, toPage } from '../http/page.ts';
import { idPath } from '../http/parse-input.ts';
import { exampleIds } from '../routes/example-ids.ts';
import { defineRoute, type Route } from '../routes/route.ts';
import { askForModels } from './ask-for-models.ts';
import { connectionPatch, newConnection } from './connection-input.ts';
import { shownColumns, shownConnection, shownModel, shownTest } from './connection-output.ts';
import { changeConnection, createConnection, deleteConnection } from './store-connection.ts';

export type ConnectionRouteParts = {
  database: Database;
  access: Pick<Access, 'ring'>;
  guard: Pick<AddressGuard, 'assertUrl'>;
  guardedFetch: GuardedFetch;
};

const tag = 'Connections';
const scope = 'admin';
const params = idPath;
const example = { params: { id: exampleIds.connection } };
const unknown = { name: 'one that is not there', status: 404, params: { id: exampleIds.nothing } };
const refusals: ErrorCode[] = ['connection_name_taken', 'address_not_allowed', 'secret_missing'];

export function createConnectionRoutes(parts: ConnectionRouteParts): Route[] {
  const { database, access, guard, guardedFetch } = parts;
  const { ring } = access;
  const assertAddress = (baseUrl: string | null | undefined) => {
    if (baseUrl && URL.canParse(baseUrl)) guard.assertUrl(new URL(baseUrl)); // names are checked when a socket connects
  };

  return [
    defineRoute({
      method: 'get',
      path: '/api/connections',
      tag,
      summary: 'List connections, oldest first',
      description:
        'Without the connection `default` of each provider, which the workers have from their environment: an agent whose `connectionId` is null uses it.',
      scope,
      query: z.strictObject(pageFields),
      replies: { 200: { description: 'A page; no key is shown', schema: z.array(shownConnection) } },
      errors: ['invalid_cursor'],
      examples: [{ name: 'the first page', status: 200, query: { limit: '2' } }],
      async handle({ principal: { workspaceId }, query: { limit, cursor } }, { request }) {
        const after = readCursor(cursor);
        const rows = await database.connection.findMany({
          where: { workspaceId, ...(after === null ? {} : { id: { gt: after } }) },
          orderBy: { id: 'asc' },
          take: limit + 1,
          ...shownColumns,
        });
        return toPage(request, rows, limit);
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/connections',
      tag,
      summary: 'Create a connection',
      description: 'Keys and headers are stored encrypted and never shown again.',
      scope,
      body: newConnection,
      replies: { 201: { description: 'The connection; Location names it', schema: shownConnection } },
      errors: refusals,
      examples: [
        {
          name: 'OpenRouter with two keys',
          status: 201,
          body: {
            name: 'OpenRouter',
            provider: 'openai',
            baseUrl: 'https://openrouter.ai/api/v1',
            keys: [{ key: 'sk-or-example-0001' }, { key: 'sk-or-example-0002' }],
            concurrency: 20,
          },
        },
        {
          name: 'an address inside',
          status: 422,
          body: { name: 'Inside', provider: 'openai', baseUrl: 'http://169.254.169.254/v1' },
        },
      ],
      async handle({ principal, body }) {
        assertAddress(body.baseUrl);
        const connection = await createConnection({ database, ring }, principal, body);
        return { status: 201, headers: { location: `/api/connections/${connection.id}` }, body: connection };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/connections/:id',
      tag,
      summary: 'Read a connection',
      scope,
      params,
      replies: { 200: { description: 'The connection, without its keys', schema: shownConnection } },
      errors: ['connection_not_found'],
      examples: [{ name: 'one', status: 200, ...example }, unknown],
      async handle({ principal: { workspaceId }, params: { id } }) {
        const connection = await database.connection.findFirst({ where: { id, workspaceId }, ...shownColumns });
        if (!connection) throw connectionNotFound(id);
        return { status: 200, body: connection };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/connections/:id',
      tag,
      summary: 'Change a connection',
      description:
        '`keys` is the whole list: those that stay by their ids, new ones beside them. Another server (scheme, host or port) needs keys and headers to be given again.',
      scope,
      params,
      body: connectionPatch,
      replies: { 200: { description: 'The connection as it is now', schema: shownConnection } },
      errors: ['connection_not_found', ...refusals],
      examples: [{ name: 'ten calls at once', status: 200, ...example, body: { concurrency: 10 } }],
      async handle({ principal, params: { id }, body }) {
        assertAddress(body.baseUrl);
        return { status: 200, body: await changeConnection({ database, ring }, principal, id, body) };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/connections/:id',
      tag,
      summary: 'Delete a connection, and its keys',
      description: 'Agents that name it stay, and answer 409 `agent_connection_missing`.',
      scope,
      params,
      replies: { 204: { description: 'It is gone' } },
      errors: ['connection_not_found'],
      examples: [unknown],
      async handle({ principal, params: { id } }) {
        await deleteConnection({ database }, principal, id);
        return { status: 204 };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/connections/:id/test',
      tag,
      summary: 'Test a connection',
      description:
        'Asks the provider for its models with each key, within 10 seconds. Costs nothing. It stops at an answer that every key would get.',
      scope: 'manage',
      params,
      replies: { 200: { description: 'What the provider said', schema: shownTest } },
      errors: ['connection_not_found', 'secret_missing'],
      examples: [{ name: 'one', status: 200, ...example }, unknown],
      async handle({ principal: { workspaceId }, params: { id } }) {
        const connection = await loadConnection(database, ring, { id, workspaceId });
        const answers = await askForModels(guardedFetch, connection, { everyKey: true });
        const models = answers.find((answer) => answer.models)?.models ?? null;
        const body = {
          ok: models !== null,
          modelCount: models?.length ?? null,
          answers: answers.map(({ key, status, error }) => ({
            keyId: key?.id ?? null,
            lastFour: key?.lastFour ?? null,
            ok: error === null,
            status,
            code: error?.code ?? null,
            message: error?.message ?? null,
          })),
        };
        return { status: 200, body };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/connections/:id/models',
      tag,
      summary: "List the models of a connection's provider",
      description: 'Asks the provider, within 10 seconds: with one key after the other until one is taken.',
      scope: 'manage',
      params,
      replies: { 200: { description: 'All of them, by name', schema: z.array(shownModel) } },
      errors: [
        'connection_not_found',
        'secret_missing',
        'address_not_allowed',
        'provider_unreachable',
        'provider_unavailable',
        'provider_key_rejected',
        'provider_rate_limited',
        'provider_request_rejected',
        'provider_protocol_error',
      ],
      examples: [{ name: 'of one', status: 200, ...example }, unknown],
      async handle({ principal: { workspaceId }, params: { id } }) {
        const connection = await loadConnection(database, ring, { id, workspaceId });
        const answer = (await askForModels(guardedFetch, connection, { everyKey: false })).at(-1);
        if (!answer?.models) throw answer?.error ?? new AppError('internal_error');
        return { status: 200, body: answer.models.map((model) => ({ id: model })) };
      },
    }),
  ];
}
