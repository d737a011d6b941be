import { AppError } from '@nexus/common/errors/app-error';
import { agentNotFound, connectionNotFound } from '@nexus/common/errors/not-found';
import { isUniqueViolation } from '@nexus/common/postgres/database-error';
import { newId } from '@nexus/common/postgres/new-id';
import type { Database } from '@nexus/common/postgres/open-database';
import { z } from 'zod';
import { assertRoom } from '../http/assert-room.ts';
import { invalidField } from '../http/invalid-field.ts';
import { pageFields, readCursor, toPage } from '../http/page.ts';
import { idPath } from '../http/parse-input.ts';
import { withoutUndefined } from '../http/without-undefined.ts';
import { exampleIds } from '../routes/example-ids.ts';
import { defineRoute, type Route } from '../routes/route.ts';
import { agentPatch, newAgent } from './agent-input.ts';
import { shownAgent } from './agent-output.ts';
import { toSlug } from './agent-slug.ts';

/** Never shown: the workspace is the caller's own. */
const shown = { omit: { workspaceId: true } } as const;

const tag = 'Agents';
const params = idPath;
const example = { params: { id: exampleIds.agent } };

export type AgentRouteParts = { database: Database; maxPerWorkspace: { agents: number } };

export function createAgentRoutes({ database, maxPerWorkspace }: AgentRouteParts): Route[] {
  type Data = Parameters<typeof database.agent.create>[0]['data'] & { id: string; name: string };

  /** Without a slug of its own the agent gets one from its name; where that is taken, with part of its id. */
  async function insertAgent(data: Data) {
    if (data.slug) return database.agent.create({ data, ...shown }).catch(rejectTaken);
    const slug = toSlug(data.name);
    try {
      return await database.agent.create({ data: { ...data, slug }, ...shown }).catch(rejectTaken);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'agent_slug_taken') throw error;
      return database.agent
        .create({ data: { ...data, slug: `${slug}-${data.id.slice(-12)}` }, ...shown })
        .catch(rejectTaken);
    }
  }

  /** Provider and connection fit together, whichever of the two changes. */
  async function assertFits(
    workspaceId: string,
    id: string,
    body: Pick<z.infer<typeof agentPatch>, 'provider' | 'connectionId'>,
  ) {
    const before = await database.agent.findFirst({
      where: { id, workspaceId },
      select: { provider: true, connectionId: true },
    });
    if (!before) throw agentNotFound(id);
    const { provider, connectionId } = { ...before, ...withoutUndefined(body) };
    if (connectionId !== null) await assertConnection(database, workspaceId, connectionId, provider);
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/agents',
      tag,
      summary: 'List agents, oldest first',
      scope: 'read',
      query: z.strictObject(pageFields),
      replies: { 200: { description: 'A page', schema: z.array(shownAgent) } },
      errors: ['invalid_cursor'],
      examples: [
        { name: 'the first page', status: 200, query: { limit: '2' } },
        { name: 'a cursor of another origin', status: 422, query: { cursor: 'x' } },
      ],
      async handle({ principal: { workspaceId, agentIds }, query: { limit, cursor } }, { request }) {
        const after = readCursor(cursor);
        const id = { ...(after === null ? {} : { gt: after }), ...(agentIds === null ? {} : { in: [...agentIds] }) };
        const rows = await database.agent.findMany({
          where: { workspaceId, id },
          orderBy: { id: 'asc' },
          take: limit + 1,
          ...shown,
        });
        return toPage(request, rows, limit);
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/agents',
      tag,
      summary: 'Create an agent',
      scope: 'manage',
      body: newAgent,
      replies: { 201: { description: 'The agent; Location names it', schema: shownAgent } },
      errors: ['agent_name_taken', 'agent_slug_taken', 'connection_not_found', 'workspace_full'],
      examples: [
        { name: 'an echo', status: 201, body: { name: 'Parrot', provider: 'echo', model: 'echo' } },
        {
          name: 'with a connection',
          status: 201,
          body: { name: 'Starling', provider: 'echo', model: 'echo', connectionId: exampleIds.connection },
        },
        { name: 'a name that is taken', status: 409, body: { name: 'Echo', provider: 'echo', model: 'echo' } },
      ],
      async handle({ principal: { workspaceId, agentIds }, body }) {
        if (agentIds !== null) throw new AppError('scope_missing', 'This key is for some agents, and makes no others');
        if (body.connectionId) await assertConnection(database, workspaceId, body.connectionId, body.provider);
        assertRoom(maxPerWorkspace.agents, await database.agent.count({ where: { workspaceId } }), 'agents');
        const agent = await insertAgent({ id: newId(), workspaceId, ...withoutUndefined(body) });
        return { status: 201, headers: { location: `/api/agents/${agent.id}` }, body: agent };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/agents/:id',
      tag,
      summary: 'Read an agent',
      scope: 'read',
      names: 'agent',
      params,
      replies: { 200: { description: 'The agent', schema: shownAgent } },
      errors: ['agent_not_found'],
      examples: [{ name: 'Echo', status: 200, ...example }],
      async handle({ principal: { workspaceId }, params: { id } }) {
        const agent = await database.agent.findFirst({ where: { id, workspaceId }, ...shown });
        if (!agent) throw agentNotFound(id);
        return { status: 200, body: agent };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/agents/:id',
      tag,
      summary: 'Change an agent',
      description:
        'Every field is optional. Running and waiting invocations keep the settings that they were posted with.',
      scope: 'manage',
      names: 'agent',
      params,
      body: agentPatch,
      replies: { 200: { description: 'The agent as it is now', schema: shownAgent } },
      errors: ['agent_not_found', 'agent_name_taken', 'agent_slug_taken', 'connection_not_found'],
      examples: [{ name: 'a new avatar', status: 200, ...example, body: { avatar: '🪞' } }],
      async handle({ principal: { workspaceId }, params: { id }, body }) {
        if (body.provider !== undefined || body.connectionId !== undefined) await assertFits(workspaceId, id, body);
        const [agent] = await database.agent
          .updateManyAndReturn({ where: { id, workspaceId }, data: withoutUndefined(body), ...shown })
          .catch(rejectTaken);
        if (!agent) throw agentNotFound(id);
        return { status: 200, body: agent };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/agents/:id',
      tag,
      summary: 'Delete an agent',
      description: 'Its conversations stay.',
      scope: 'manage',
      names: 'agent',
      params,
      replies: { 204: { description: 'It is gone' } },
      errors: ['agent_not_found'],
      examples: [{ name: 'one that is not there', status: 404, params: { id: exampleIds.nothing } }],
      async handle({ principal: { workspaceId }, params: { id } }) {
        const { count } = await database.agent.deleteMany({ where: { id, workspaceId } });
        if (count === 0) throw agentNotFound(id);
        return { status: 204 };
      },
    }),
  ];
}

async function assertConnection(database: Database, workspaceId: string, id: string, provider: string): Promise<void> {
  const connection = await database.connection.findFirst({ where: { id, workspaceId }, select: { provider: true } });
  if (!connection) throw connectionNotFound(id);
  if (connection.provider === provider) return;
  throw invalidField(
    'connectionId',
    `is a connection to ${connection.provider}, and the agent's provider is ${provider}`,
  );
}

/** Which of an agent's unique fields another agent has. */
function rejectTaken(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  const isSlug = JSON.stringify((error as { meta?: unknown }).meta ?? {}).includes('slug');
  const [field, code] = isSlug ? (['slug', 'agent_slug_taken'] as const) : (['name', 'agent_name_taken'] as const);
  throw new AppError(code, `Another agent has this ${field}`, {
    fields: [{ field, message: 'is taken by another agent' }],
  });
}
