import { AppError } from '@nexus/common/errors/app-error';
import { newId } from '@nexus/common/postgres/new-id';
import type { Database } from '@nexus/common/postgres/open-database';
import { findChanges, writeAuditEntry } from '@nexus/common/principals/write-audit-entry';
import { z } from 'zod';
import { shownId, shownTime } from '../http/output-fields.ts';
import { pageFields, readCursor, toPage } from '../http/page.ts';
import { idPath, text } from '../http/parse-input.ts';
import { exampleIds } from '../routes/example-ids.ts';
import { defineRoute, type Route } from '../routes/route.ts';

const shownWorkspace = z
  .strictObject({ id: shownId(), name: z.string(), createdAt: shownTime() })
  .meta({ id: 'Workspace' });

const workspaceBody = z.strictObject({ name: text(200).min(1, 'must not be empty') });

const tag = 'Workspaces';
const scope = 'operator';
const params = idPath;
const example = { params: { id: exampleIds.workspace } };
const unknown = { name: 'one that is not there', status: 404, params: { id: exampleIds.nothing } };
const description = 'An operator acts in a workspace with the header `Nexus-Workspace: <id>`.';

export function createWorkspaceRoutes({ database }: { database: Database }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/workspaces',
      tag,
      summary: 'List workspaces, oldest first',
      description,
      scope,
      query: z.strictObject(pageFields),
      replies: { 200: { description: 'A page', schema: z.array(shownWorkspace) } },
      errors: ['invalid_cursor'],
      examples: [{ name: 'the first page', status: 200 }],
      async handle({ query: { limit, cursor } }, { request }) {
        const after = readCursor(cursor);
        const rows = await database.workspace.findMany({
          where: after === null ? {} : { id: { gt: after } },
          orderBy: { id: 'asc' },
          take: limit + 1,
        });
        return toPage(request, rows, limit);
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/workspaces',
      tag,
      summary: 'Create a workspace',
      description,
      scope,
      body: workspaceBody,
      replies: { 201: { description: 'The workspace; Location names it', schema: shownWorkspace } },
      examples: [{ name: 'for a customer', status: 201, body: { name: 'Acme' } }],
      async handle({ principal: { keyId }, body }) {
        const workspace = await database.$transaction(async (transaction) => {
          const made = await transaction.workspace.create({ data: { id: newId(), ...body } });
          const { id } = made;
          await writeAuditEntry(transaction, {
            workspaceId: id,
            keyId,
            action: 'workspace.created',
            targetId: id,
            changes: findChanges({}, body),
          });
          return made;
        });
        return { status: 201, headers: { location: `/api/workspaces/${workspace.id}` }, body: workspace };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/workspaces/:id',
      tag,
      summary: 'Read a workspace',
      scope,
      params,
      replies: { 200: { description: 'The workspace', schema: shownWorkspace } },
      errors: ['workspace_not_found'],
      examples: [{ name: 'the default', status: 200, ...example }, unknown],
      async handle({ params: { id } }) {
        const workspace = await database.workspace.findUnique({ where: { id } });
        if (!workspace) throw workspaceNotFound(id);
        return { status: 200, body: workspace };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/workspaces/:id',
      tag,
      summary: 'Rename a workspace',
      scope,
      params,
      body: workspaceBody,
      replies: { 200: { description: 'The workspace as it is now', schema: shownWorkspace } },
      errors: ['workspace_not_found'],
      examples: [{ name: 'another name', status: 200, ...example, body: { name: 'Default' } }],
      async handle({ principal: { keyId }, params: { id }, body }) {
        const workspace = await database.$transaction(async (transaction) => {
          const before = await transaction.workspace.findUnique({ where: { id } });
          if (!before) throw workspaceNotFound(id);
          const changes = findChanges({ name: before.name }, body);
          await writeAuditEntry(transaction, {
            workspaceId: id,
            keyId,
            action: 'workspace.renamed',
            targetId: id,
            changes,
          });
          return transaction.workspace.update({ where: { id }, data: body });
        });
        return { status: 200, body: workspace };
      },
    }),
  ];
}

export function workspaceNotFound(id: string): AppError {
  return new AppError('workspace_not_found', `There is no workspace ${id}`);
}
