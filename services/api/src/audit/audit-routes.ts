import type { Database } from '@nexus/common/postgres/open-database';
import { z } from 'zod';
import { shownId, shownTime } from '../http/output-fields.ts';
import { pageFields, readCursor, toPage } from '../http/page.ts';
import { id } from '../http/parse-input.ts';
import { defineRoute, type Route } from '../routes/route.ts';

const shownEntry = z
  .strictObject({
    id: shownId(),
    keyId: shownId().nullable().describe('The key that did it; null: the command line, or nobody needs a key'),
    action: z.string().describe('For example `key.created`'),
    targetId: shownId(),
    changes: z.record(z.string(), z.array(z.unknown())).describe('For each field its value before and after'),
    createdAt: shownTime(),
  })
  .meta({ id: 'AuditEntry' });

/** Append-only: there is no route that changes or deletes an entry. */
export function createAuditRoutes({ database }: { database: Database }): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/audit',
      tag: 'Audit',
      summary: 'List what was changed, newest first',
      scope: 'admin',
      query: z.strictObject({ ...pageFields, keyId: id().optional(), targetId: id().optional() }),
      replies: { 200: { description: 'A page', schema: z.array(shownEntry) } },
      errors: ['invalid_cursor'],
      examples: [{ name: 'the first page', status: 200, query: { limit: '5' } }],
      async handle({ principal: { workspaceId }, query: { limit, cursor, keyId, targetId } }, { request }) {
        const before = readCursor(cursor);
        const rows = await database.auditEntry.findMany({
          where: {
            workspaceId,
            ...(before === null ? {} : { id: { lt: before } }),
            ...(keyId === undefined ? {} : { keyId }),
            ...(targetId === undefined ? {} : { targetId }),
          },
          orderBy: { id: 'desc' },
          take: limit + 1,
          omit: { workspaceId: true },
        });
        return toPage(request, rows, limit);
      },
    }),
  ];
}
