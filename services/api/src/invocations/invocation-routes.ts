import { AppError } from '@nexus/common/errors/app-error';
import { invocationNotFound } from '@nexus/common/errors/not-found';
import type { LogAddress } from '@nexus/common/events/event-log-names';
import { joinDeltas } from '@nexus/common/events/read-log';
import { createMissedSources, readMissed } from '@nexus/common/feeds/read-missed';
import type { CreateInvocation } from '@nexus/common/invocations/create-invocation';
import { type CancelParts, requestCancel } from '@nexus/common/invocations/request-cancel';
import type { Principal } from '@nexus/common/principals/principal';
import { isReplicaRefusal } from '@nexus/common/redis/leave-replica';
import type { InvocationEvent } from '@nexus/protocol/event';
import { isFinished } from '@nexus/protocol/invocation-status';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { loadPageIds } from '../http/load-page-ids.ts';
import { readCursor, toPage } from '../http/page.ts';
import { idPath } from '../http/parse-input.ts';
import { exampleIds } from '../routes/example-ids.ts';
import { type Asked, defineRoute, type Example, type Reply, type Route } from '../routes/route.ts';
import { assertMayOverride } from './assert-may-override.ts';
import { createWaitParts } from './create-wait-parts.ts';
import { type StreamParts, sendEvents, streamEvents } from './event-stream.ts';
import {
  cancelBody,
  eventsQuery,
  idempotencyKey,
  lastEventId,
  listInvocations,
  newInvocation,
  readQuery,
} from './invocation-input.ts';
import { acceptedInvocation, listedInvocation, shownEvent, shownInvocation } from './invocation-output.ts';
import { invocationFields, loadInvocation, toInvocation } from './load-invocation.ts';
import { waitForEnd } from './wait-for-end.ts';

export type InvocationRouteParts = CancelParts & StreamParts & { createInvocation: CreateInvocation };

type Http = { request: Request; response: Response };

const tag = 'Invocations';
const params = idPath;
const example = { params: { id: exampleIds.invocation } };
const unknown: Example = { name: 'one that is not there', status: 404, params: { id: exampleIds.nothing } };
const stream = {
  'text/event-stream': z.string().describe('`id` is the seq, `event` the type, `data` the event'),
};

export function createInvocationRoutes(parts: InvocationRouteParts): Route[] {
  const { database, redis, logger, createInvocation } = parts;
  const missedSources = createMissedSources(database, redis);
  const waitParts = createWaitParts(parts);

  type Posted = Asked<undefined, undefined, typeof idempotencyKey, typeof newInvocation>;

  async function postInvocation(
    { principal, headers, body }: Posted,
    { request, response }: Http,
  ): Promise<Reply | null> {
    await assertMayOverride(database, principal, body);
    const made = await createInvocation(principal, body, headers['Idempotency-Key'] ?? null);
    const { id, conversationId, agentId, status, createdAt } = made;
    response.location(`/api/invocations/${id}`);
    if (wantsStream(request)) {
      try {
        await streamEvents(parts, response, { conversationId, invocationId: id, after: 0 });
        return null;
      } catch (error) {
        if (response.destroyed) return null; // the client left
        // It is stored: a client that is told of a failure would post it again, and pay for both.
        if (response.headersSent) throw error;
        logger.warn({ error, invocationId: id, conversationId }, 'its stream could not be opened');
      }
    }
    const eventsUrl = `/api/invocations/${id}/events`;
    return { status: 202, body: { id, conversationId, agentId, status, createdAt, eventsUrl } };
  }

  async function load(principal: Principal, id: string) {
    const invocation = await loadInvocation(database, principal, id);
    if (!invocation) throw invocationNotFound(id);
    return invocation;
  }

  async function loadMissed(address: LogAddress, after: number): Promise<InvocationEvent[]> {
    const { events } = await readMissed(missedSources, address, after).catch((cause: unknown) => {
      const refused = cause instanceof Error && isReplicaRefusal(cause);
      throw redis.status === 'ready' && !refused ? cause : new AppError('redis_unavailable', undefined, { cause });
    });
    return joinDeltas(events ?? []);
  }

  const post = (path: string): Route =>
    defineRoute({
      method: 'post',
      path,
      tag,
      summary: 'Ask an agent',
      lasts: true,
      description:
        '202 means that the request is stored and will be answered. With `Accept: text/event-stream` the answer is the stream of its events. The same Idempotency-Key within 24 hours gives the first answer again.',
      scope: 'invoke',
      headers: idempotencyKey,
      body: newInvocation,
      replies: {
        202: { description: 'Stored; Location names it', schema: acceptedInvocation },
        200: { description: 'Where a stream was asked for', others: stream },
      },
      errors: [
        'agent_not_found',
        'agent_inactive',
        'conversation_not_found',
        'conversation_busy',
        'provider_not_configured',
        'idempotency_key_reused',
        'payload_too_large',
      ],
      examples: [
        { name: 'ask Echo', status: 202, body: { agentId: exampleIds.agent, message: 'Hello!' } },
        { name: 'an agent that is not there', status: 404, body: { agentId: exampleIds.nothing, message: 'Hello!' } },
        { name: 'no message', status: 422, body: { agentId: exampleIds.agent } },
      ],
      handle: postInvocation,
    });

  return [
    post('/api/invocations'),
    post('/api/invoke'),
    defineRoute({
      method: 'get',
      path: '/api/invocations',
      tag,
      summary: 'List invocations, newest first',
      scope: 'read',
      query: listInvocations,
      replies: { 200: { description: 'A page', schema: z.array(listedInvocation) } },
      errors: ['invalid_cursor'],
      examples: [{ name: 'those that failed', status: 200, query: { status: 'failed', limit: '2' } }],
      async handle({ principal: { workspaceId }, query }, { request }) {
        const { limit, cursor, status, agentId, conversationId, userId } = query;
        const conditions = {
          workspace_id: workspaceId,
          status,
          agent_id: agentId,
          conversation_id: conversationId,
        };
        const bounds = { before: readCursor(cursor), limit, userId };
        const page = await loadPageIds(database, 'invocation', conditions, bounds);
        const rows = await database.invocation.findMany({
          where: { workspaceId, id: { in: page.slice(0, limit).map(({ id }) => id) } },
          orderBy: { id: 'desc' },
          select: invocationFields,
        });
        return toPage(request, page, limit, rows.map(toInvocation));
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/invocations/:id',
      tag,
      summary: 'Read an invocation, or wait for its end',
      lasts: true,
      scope: 'read',
      names: 'invocation',
      params,
      query: readQuery,
      replies: { 200: { description: 'The invocation, finished or not', schema: shownInvocation } },
      errors: ['invocation_not_found'],
      examples: [{ name: 'one', status: 200, ...example }, unknown],
      async handle({ principal, params: { id }, query: { wait } }, { response }) {
        const invocation = await load(principal, id);
        if (wait === 0 || isFinished(invocation.status)) return { status: 200, body: invocation };
        const gone = new AbortController();
        response.once('close', () => gone.abort());
        const limit = AbortSignal.any([gone.signal, AbortSignal.timeout(wait * 1_000)]);
        await waitForEnd(waitParts, { conversationId: invocation.conversationId, invocationId: invocation.id }, limit);
        return gone.signal.aborted ? null : { status: 200, body: await load(principal, id) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/invocations/:id/events',
      tag,
      summary: 'Follow the events of an invocation',
      lasts: true,
      description:
        'Server-sent events, resumed by Last-Event-ID. With `Accept: application/json` an array of the events so far.',
      scope: 'read',
      names: 'invocation',
      params,
      query: eventsQuery,
      headers: lastEventId,
      replies: {
        200: { description: 'The events', schema: z.array(shownEvent), others: stream },
        204: { description: 'The client has seen the last event' },
      },
      errors: ['invocation_not_found', 'redis_unavailable'],
      examples: [{ name: 'as JSON', status: 200, ...example, headers: { accept: 'application/json' } }, unknown],
      async handle({ principal, params: { id }, query, headers }, { request, response }) {
        const after = headers['Last-Event-ID'] ?? query.after ?? 0;
        const { id: invocationId, conversationId, status } = await load(principal, id);
        const asJson = wantsJson(request);
        if (!asJson && !isFinished(status)) {
          await streamEvents(parts, response, { conversationId, invocationId, after });
          return null;
        }
        const missed = await loadMissed({ conversationId, invocationId }, after);
        if (asJson) return { status: 200, body: missed };
        // An EventSource connects again after the end; 204 tells it that nothing more comes.
        if (missed.length === 0) return { status: 204 };
        sendEvents(response, missed);
        return null;
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/invocations/:id/cancel',
      tag,
      summary: 'Stop an invocation',
      scope: 'invoke',
      names: 'invocation',
      params,
      body: cancelBody,
      replies: {
        200: { description: 'It is over', schema: shownInvocation },
        202: { description: 'Its worker was asked to stop', schema: shownInvocation },
      },
      errors: ['invocation_not_found'],
      examples: [{ name: 'one that is over', status: 200, ...example }, unknown],
      async handle({ principal, params: { id: invocationId } }) {
        const { workspaceId } = principal;
        const row = await database.invocation.findFirst({
          where: { id: invocationId, workspaceId },
          select: { conversationId: true },
        });
        const status =
          row && (await requestCancel(parts, { invocationId, conversationId: row.conversationId, workspaceId }));
        if (!status) throw invocationNotFound(invocationId);
        return { status: isFinished(status) ? 200 : 202, body: await load(principal, invocationId) };
      },
    }),
  ];
}

function wantsStream(request: Request): boolean {
  return request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
}

function wantsJson(request: Request): boolean {
  return request.accepts(['text/event-stream', 'application/json']) === 'application/json';
}
