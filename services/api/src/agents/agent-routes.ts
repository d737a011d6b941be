import { AppError } from '@nexus/common/errors/app-error';
import { agentNotFound } from '@nexus/common/errors/not-found';
import { isUniqueViolation } from '@nexus/common/postgres/database-error';
import { newId } from '@nexus/common/postgres/new-id';
import type { Database } from '@nexus/common/postgres/open-database';
import { Router } from 'express';
import { z } from 'zod';
import { allowOnly } from '../http/not-found.ts';
import { pageFields, readCursor, sendPage } from '../http/page.ts';
import { idPath, parseInput } from '../http/parse-input.ts';
import { principalOf } from '../http/principal.ts';
import { withoutUndefined } from '../http/without-undefined.ts';
import { agentPatch, newAgent } from './agent-input.ts';

const listQuery = z.strictObject(pageFields);

/** Never shown: the workspace is the caller's own. */
const shown = { omit: { workspaceId: true } } as const;

export function createAgentRoutes({ database }: { database: Database }): Router {
  const router = Router();

  router
    .route('/')
    .get(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const { limit, cursor } = parseInput(listQuery, request.query, 'query');
      const after = readCursor(cursor);
      const rows = await database.agent.findMany({
        where: { workspaceId, ...(after === null ? {} : { id: { gt: after } }) },
        orderBy: { id: 'asc' },
        take: limit + 1,
        ...shown,
      });
      sendPage(request, response, rows, limit);
    })
    .post(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const input = parseInput(newAgent, request.body);
      const data = { id: newId(), workspaceId, ...withoutUndefined(input) };
      const agent = await database.agent.create({ data, ...shown }).catch(rejectTakenName);
      response.status(201).location(`/api/agents/${agent.id}`).json(agent);
    })
    .all(allowOnly('GET', 'POST'));

  router
    .route('/:id')
    .get(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const { id } = parseInput(idPath, request.params, 'path');
      const agent = await database.agent.findFirst({ where: { id, workspaceId }, ...shown });
      if (!agent) throw agentNotFound(id);
      response.json(agent);
    })
    .patch(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const { id } = parseInput(idPath, request.params, 'path');
      const data = withoutUndefined(parseInput(agentPatch, request.body));
      const [agent] = await database.agent
        .updateManyAndReturn({ where: { id, workspaceId }, data, ...shown })
        .catch(rejectTakenName);
      if (!agent) throw agentNotFound(id);
      response.json(agent);
    })
    .delete(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const { id } = parseInput(idPath, request.params, 'path');
      const { count } = await database.agent.deleteMany({ where: { id, workspaceId } });
      if (count === 0) throw agentNotFound(id);
      response.status(204).end();
    })
    .all(allowOnly('GET', 'PATCH', 'DELETE'));

  return router;
}

function rejectTakenName(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  throw new AppError('agent_name_taken', 'Another agent has this name', {
    fields: [{ field: 'name', message: 'is taken by another agent' }],
  });
}
