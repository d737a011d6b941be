import { AppError } from '@nexus/common/errors/app-error';
import { conversationNotFound } from '@nexus/common/errors/not-found';
import { newId } from '@nexus/common/postgres/new-id';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Queryable } from '@nexus/common/postgres/queryable';
import type { Principal } from '@nexus/common/principals/principal';
import { z } from 'zod';
import { loadPageIds } from '../http/load-page-ids.ts';
import { readCursor, toPage } from '../http/page.ts';
import { idPath } from '../http/parse-input.ts';
import { exampleIds } from '../routes/example-ids.ts';
import { defineRoute, type Route } from '../routes/route.ts';
import { conversationPatch, listQuery, messagesQuery, newConversation } from './conversation-input.ts';
import { shownConversation, shownMessage } from './conversation-output.ts';

const shown = {
  select: {
    id: true,
    title: true,
    userId: true,
    externalId: true,
    messageCount: true,
    line: true,
    createdAt: true,
    updatedAt: true,
  },
} as const;
const storedMessage = { omit: { workspaceId: true } } as const;

export type ConversationRow = {
  id: string;
  title: string;
  userId: string | null;
  externalId: string | null;
  messageCount: number;
  line: string[];
  createdAt: Date;
  updatedAt: Date;
};

/** `line` is ours; clients know it as the invocations that are not over. */
function toConversation({ line, ...rest }: ConversationRow) {
  return { ...rest, unfinishedInvocationIds: line };
}

type New = { title: string; userId?: string | undefined; externalId?: string | undefined };

/**
 * null: there is one with this external id. Asked for as often as invocations are: through Prisma's client it took an API 40 MB more.
 */
export async function insertConversation(
  database: Queryable,
  principal: Principal,
  asked: New,
): Promise<ConversationRow | null> {
  const { title, externalId = null } = asked;
  const userId = principal.userId ?? asked.userId ?? null;
  const [row] = await database.query<ConversationRow>`
    INSERT INTO conversation (id, workspace_id, title, user_id, external_id)
    VALUES (${newId()}::uuid, ${principal.workspaceId}::uuid, ${title}::text, ${userId}::text, ${externalId}::text)
    ON CONFLICT (workspace_id, external_id) WHERE external_id IS NOT NULL DO NOTHING
    RETURNING id, title, user_id AS "userId", external_id AS "externalId", message_count AS "messageCount", line, created_at AS "createdAt",
              updated_at AS "updatedAt"`;
  return row ?? null;
}

/** Between the insert that finds one and the look at it somebody may delete it; not for ever. */
const maxTries = 5;

async function insertOrFind(
  database: Database,
  principal: Principal,
  asked: New,
): Promise<{ row: ConversationRow; created: boolean }> {
  for (let tries = 1; tries <= maxTries; tries += 1) {
    const made = await insertConversation(database, principal, asked);
    if (made) return { row: made, created: true };
    const where = { workspaceId: principal.workspaceId, externalId: asked.externalId ?? null };
    const row = await database.conversation.findFirst({ where, ...shown });
    if (row) return { row, created: false };
  }
  throw new AppError('internal_error');
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

const tag = 'Conversations';
const params = idPath;
const example = { params: { id: exampleIds.conversation } };
const reply = { description: 'The conversation', schema: shownConversation };

export function createConversationRoutes({ database }: { database: Database }): Route[] {
  /** Says why a conversation was not deleted: its workers still write to it, or it does not exist. */
  async function explainKept(id: string, where: { id: string; workspaceId: string }): Promise<void> {
    const row = await database.conversation.findFirst({ where, select: { line: true } });
    if (!row) throw conversationNotFound(id);
    throw new AppError(
      'conversation_busy',
      `The conversation has ${row.line.length} unfinished invocations: cancel them first`,
    );
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/conversations',
      tag,
      summary: 'List conversations, newest first',
      scope: 'read',
      query: listQuery,
      replies: { 200: { description: 'A page', schema: z.array(shownConversation) } },
      errors: ['invalid_cursor'],
      examples: [{ name: 'the first page', status: 200, query: { limit: '2' } }],
      async handle({ principal: { workspaceId }, query: { limit, cursor, userId } }, { request }) {
        const conditions = { workspace_id: workspaceId, kind: 'normal' };
        const bounds = { before: readCursor(cursor), limit, userId };
        const page = await loadPageIds(database, 'conversation', conditions, bounds);
        const rows = await database.conversation.findMany({
          where: { workspaceId, id: { in: page.slice(0, limit).map(({ id }) => id) } },
          orderBy: { id: 'desc' },
          ...shown,
        });
        return toPage(request, page, limit, rows.map(toConversation));
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/conversations',
      tag,
      summary: 'Open a conversation',
      scope: 'invoke',
      body: newConversation,
      description: 'With an `externalId` that a conversation has already, the answer is that one, as it is.',
      replies: {
        201: { ...reply, description: 'The conversation; Location names it' },
        200: { ...reply, description: 'The one that has this externalId' },
      },
      examples: [
        { name: 'with a title', status: 201, body: { title: 'Holidays' } },
        { name: 'by your own names', status: 201, body: { userId: 'user-7', externalId: 'ticket-1912' } },
      ],
      async handle({ principal, body }) {
        const { row, created } = await insertOrFind(database, principal, body);
        const headers = { location: `/api/conversations/${row.id}` };
        return { status: created ? 201 : 200, headers, body: toConversation(row) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/conversations/:id',
      tag,
      summary: 'Read a conversation',
      scope: 'read',
      names: 'conversation',
      params,
      replies: { 200: reply },
      errors: ['conversation_not_found'],
      examples: [{ name: 'one', status: 200, ...example }],
      async handle({ principal: { workspaceId }, params: { id } }) {
        const row = await database.conversation.findFirst({ where: { id, workspaceId }, ...shown });
        if (!row) throw conversationNotFound(id);
        return { status: 200, body: toConversation(row) };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/conversations/:id',
      tag,
      summary: 'Rename a conversation',
      scope: 'invoke',
      names: 'conversation',
      params,
      body: conversationPatch,
      replies: { 200: { ...reply, description: 'The conversation as it is now' } },
      errors: ['conversation_not_found'],
      examples: [{ name: 'another title', status: 200, ...example, body: { title: 'Winter holidays' } }],
      async handle({ principal: { workspaceId }, params: { id }, body: data }) {
        const [row] = await database.conversation.updateManyAndReturn({ where: { id, workspaceId }, data, ...shown });
        if (!row) throw conversationNotFound(id);
        return { status: 200, body: toConversation(row) };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/conversations/:id',
      tag,
      summary: 'Delete a conversation with its messages',
      description: 'One with unfinished invocations stays: cancel them first.',
      scope: 'invoke',
      names: 'conversation',
      params,
      replies: { 204: { description: 'It is gone' } },
      errors: ['conversation_not_found', 'conversation_busy'],
      examples: [{ name: 'one that is not there', status: 404, params: { id: exampleIds.nothing } }],
      async handle({ principal: { workspaceId }, params: { id } }) {
        const where = { id, workspaceId };
        const { count } = await database.conversation.deleteMany({ where: { ...where, line: { isEmpty: true } } });
        if (count === 0) await explainKept(id, where);
        return { status: 204 };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/conversations/:id/messages',
      tag,
      summary: 'List messages, oldest first',
      scope: 'read',
      names: 'conversation',
      params,
      query: messagesQuery,
      replies: { 200: { description: 'A page; Link names the next', schema: z.array(shownMessage) } },
      errors: ['conversation_not_found'],
      examples: [{ name: 'from the beginning', status: 200, ...example, query: { limit: '10' } }],
      async handle({ principal: { workspaceId }, params: { id }, query: { limit, after } }) {
        const conversation = await database.conversation.findFirst({
          where: { id, workspaceId },
          select: { id: true },
        });
        if (!conversation) throw conversationNotFound(id);
        const { last, more } = await findPageEnd(database, { conversationId: id, after, limit });
        const rows = await database.message.findMany({
          where: { conversationId: id, workspaceId, position: { gt: after, lte: last } },
          orderBy: { position: 'asc' },
          ...storedMessage,
        });
        const gone = await findRolledBack(database, [
          ...new Set(rows.flatMap(({ invocationId }) => invocationId ?? [])),
        ]);
        const next = `</api/conversations/${id}/messages?limit=${limit}&after=${last}>; rel="next"`;
        return {
          status: 200,
          headers: more ? { link: next } : {},
          body: rows.map((row) => ({ ...row, rolledBack: row.invocationId !== null && gone.has(row.invocationId) })),
        };
      },
    }),
  ];
}
