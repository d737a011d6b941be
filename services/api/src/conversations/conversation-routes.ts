import { AppError } from '@nexus/common/errors/app-error';
import { conversationNotFound } from '@nexus/common/errors/not-found';
import { newId } from '@nexus/common/postgres/new-id';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Queryable } from '@nexus/common/postgres/queryable';
import type { Principal } from '@nexus/common/principals/principal';
import { Router } from 'express';
import { loadPageIds } from '../http/load-page-ids.ts';
import { allowOnly } from '../http/not-found.ts';
import { readCursor, sendPage } from '../http/page.ts';
import { idPath, parseInput } from '../http/parse-input.ts';
import { principalOf } from '../http/principal.ts';
import { conversationPatch, listQuery, messagesQuery, newConversation } from './conversation-input.ts';

const shown = {
  select: { id: true, title: true, messageCount: true, line: true, createdAt: true, updatedAt: true },
} as const;
const shownMessage = { omit: { workspaceId: true } } as const;

export type ConversationRow = {
  id: string;
  title: string;
  messageCount: number;
  line: string[];
  createdAt: Date;
  updatedAt: Date;
};

/** `line` is ours; clients know it as the invocations that are not over. */
function toConversation({ line, ...rest }: ConversationRow) {
  return { ...rest, unfinishedInvocationIds: line };
}

/** Asked for as often as invocations are: through Prisma's client it took an API 40 MB more. */
export async function insertConversation(
  database: Queryable,
  { workspaceId }: Principal,
  title: string,
): Promise<ConversationRow> {
  const [row] = await database.query<ConversationRow>`
    INSERT INTO conversation (id, workspace_id, title) VALUES (${newId()}::uuid, ${workspaceId}::uuid, ${title}::text)
    RETURNING id, title, message_count AS "messageCount", line, created_at AS "createdAt", updated_at AS "updatedAt"`;
  if (!row) throw new AppError('internal_error');
  return row;
}

/** Bytes of content after which a page of messages ends early: a hundred long ones would fill the memory of an API that many ask. */
const fullPage = 4 * 1_048_576;

export type PageEnd = { last: number; more: boolean };

/** Where a page of messages ends, and whether others follow. Reads no content: how long it is, Postgres knows without. */
export async function findPageEnd(
  database: Queryable,
  { conversationId, after, limit }: { conversationId: string; after: number; limit: number },
): Promise<PageEnd> {
  const [end] = await database.query<PageEnd>`
    SELECT last, last < reached AS more FROM (
      SELECT coalesce(max(position) FILTER (WHERE n <= ${limit}::int AND before < ${fullPage}::int), 0) AS last, coalesce(max(position), 0) AS reached
      FROM (
        SELECT position, row_number() OVER in_order AS n, sum(octet_length(content)) OVER in_order - octet_length(content) AS before
        FROM message WHERE conversation_id = ${conversationId}::uuid AND position > ${after}::int
        WINDOW in_order AS (ORDER BY position) ORDER BY position LIMIT ${limit + 1}::int
      ) counted
    ) page`;
  if (!end) throw new AppError('internal_error');
  return end;
}

/** Which of these invocations were rolled back: the model sees their messages no longer. */
export async function findRolledBack(database: Queryable, invocationIds: string[]): Promise<Set<string>> {
  const rows = await database.query<{ id: string }>`
    SELECT id FROM invocation WHERE id = ANY(${invocationIds}::uuid[]) AND rolled_back`;
  return new Set(rows.map(({ id }) => id));
}

export function createConversationRoutes({ database }: { database: Database }): Router {
  const router = Router();

  router
    .route('/')
    .get(async (request, response) => {
      const { limit, cursor } = parseInput(listQuery, request.query, 'query');
      const { workspaceId } = principalOf(response);
      const conditions = { workspace_id: workspaceId };
      const page = await loadPageIds(database, 'conversation', conditions, { before: readCursor(cursor), limit });
      const rows = await database.conversation.findMany({
        where: { workspaceId, id: { in: page.slice(0, limit).map(({ id }) => id) } },
        orderBy: { id: 'desc' },
        ...shown,
      });
      sendPage(request, response, page, limit, rows.map(toConversation));
    })
    .post(async (request, response) => {
      const { title } = parseInput(newConversation, request.body);
      const row = await insertConversation(database, principalOf(response), title);
      response.status(201).location(`/api/conversations/${row.id}`).json(toConversation(row));
    })
    .all(allowOnly('GET', 'POST'));

  router
    .route('/:id')
    .get(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const { id } = parseInput(idPath, request.params, 'path');
      const row = await database.conversation.findFirst({ where: { id, workspaceId }, ...shown });
      if (!row) throw conversationNotFound(id);
      response.json(toConversation(row));
    })
    .patch(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const { id } = parseInput(idPath, request.params, 'path');
      const data = parseInput(conversationPatch, request.body);
      const [row] = await database.conversation.updateManyAndReturn({
        where: { id, workspaceId },
        data,
        ...shown,
      });
      if (!row) throw conversationNotFound(id);
      response.json(toConversation(row));
    })
    .delete(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const { id } = parseInput(idPath, request.params, 'path');
      const where = { id, workspaceId };
      const { count } = await database.conversation.deleteMany({ where: { ...where, line: { isEmpty: true } } });
      if (count === 0) await explainKept(id, where);
      response.status(204).end();
    })
    .all(allowOnly('GET', 'PATCH', 'DELETE'));

  router
    .route('/:id/messages')
    .get(async (request, response) => {
      const { workspaceId } = principalOf(response);
      const { id } = parseInput(idPath, request.params, 'path');
      const { limit, after } = parseInput(messagesQuery, request.query, 'query');
      const conversation = await database.conversation.findFirst({
        where: { id, workspaceId },
        select: { id: true },
      });
      if (!conversation) throw conversationNotFound(id);
      const { last, more } = await findPageEnd(database, { conversationId: id, after, limit });
      const rows = await database.message.findMany({
        where: { conversationId: id, workspaceId, position: { gt: after, lte: last } },
        orderBy: { position: 'asc' },
        ...shownMessage,
      });
      if (more)
        response.setHeader('link', `</api/conversations/${id}/messages?limit=${limit}&after=${last}>; rel="next"`);
      const gone = await findRolledBack(database, [...new Set(rows.flatMap(({ invocationId }) => invocationId ?? []))]);
      response.json(
        rows.map((row) => ({ ...row, rolledBack: row.invocationId !== null && gone.has(row.invocationId) })),
      );
    })
    .all(allowOnly('GET'));

  /** A conversation that is answering is not taken away under its workers: cancel first. */
  async function explainKept(id: string, where: { id: string; workspaceId: string }): Promise<void> {
    const row = await database.conversation.findFirst({ where, select: { line: true } });
    if (!row) throw conversationNotFound(id);
    throw new AppError(
      'conversation_busy',
      `The conversation has ${row.line.length} unfinished invocations: cancel them first`,
    );
  }

  return router;
}
