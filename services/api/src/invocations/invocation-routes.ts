import { AppError } from '@nexus/common/errors/app-error';
import { invocationNotFound } from '@nexus/common/errors/not-found';
import type { LogAddress } from '@nexus/common/events/event-log-names';
import { joinDeltas } from '@nexus/common/events/read-log';
import { createMissedSources, readMissed } from '@nexus/common/feeds/read-missed';
import { createInvocationCreator, type InvocationCreatorParts } from '@nexus/common/invocations/create-invocation';
import { requestCancel } from '@nexus/common/invocations/request-cancel';
import { isReplicaRefusal } from '@nexus/common/redis/leave-replica';
import type { InvocationEvent } from '@nexus/protocol/event';
import { isFinished } from '@nexus/protocol/invocation-status';
import { type Request, type Response, Router } from 'express';
import type { ApiMetrics } from '../api-metrics.ts';
import { loadPageIds } from '../http/load-page-ids.ts';
import { allowOnly } from '../http/not-found.ts';
import { readCursor, sendPage } from '../http/page.ts';
import { idPath, parseInput } from '../http/parse-input.ts';
import { principalOf } from '../http/principal.ts';
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
import { invocationFields, loadInvocation, toInvocation } from './load-invocation.ts';
import { type WaitParts, waitForEnd } from './wait-for-end.ts';

export type InvocationRouteParts = Omit<InvocationCreatorParts, 'onCreated'> &
  StreamParts & { apiMetrics: Pick<ApiMetrics, 'created'> };

export function createInvocationRoutes(parts: InvocationRouteParts): Router {
  const { database, redis, logger } = parts;
  const router = Router();
  const createInvocation = createInvocationCreator({ ...parts, onCreated: parts.apiMetrics.created });
  const missedSources = createMissedSources(database, redis);
  const waitParts: WaitParts = {
    feeds: parts.feeds,
    stopping: parts.stopping,
    isOver: async (address) => (await missedSources.loadStanding(address))?.finished ?? true,
    onTrouble: (error, address) => logger.warn({ error, ...address }, 'a long poll asks Postgres, as it cannot hear'),
  };

  async function postInvocation(request: Request, response: Response): Promise<void> {
    const headers = parseInput(idempotencyKey, { 'Idempotency-Key': request.get('idempotency-key') }, 'headers');
    const input = parseInput(newInvocation, request.body);
    const made = await createInvocation(principalOf(response), input, headers['Idempotency-Key'] ?? null);
    const { id, conversationId, agentId, status, createdAt } = made;
    response.location(`/api/invocations/${id}`);
    if (wantsStream(request)) {
      try {
        return await streamEvents(parts, response, { conversationId, invocationId: id, after: 0 });
      } catch (error) {
        if (response.destroyed) return; // the client left
        // It is stored: whoever heard of a failure would post it again, and pay for both.
        if (response.headersSent) throw error;
        logger.warn({ error, invocationId: id, conversationId }, 'its stream could not be opened');
      }
    }
    response
      .status(202)
      .json({ id, conversationId, agentId, status, createdAt, eventsUrl: `/api/invocations/${id}/events` });
  }

  async function load(request: Request, response: Response) {
    const { id } = parseInput(idPath, request.params, 'path');
    const invocation = await loadInvocation(database, principalOf(response), id);
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

  router.route('/invoke').post(postInvocation).all(allowOnly('POST'));

  router
    .route('/invocations')
    .post(postInvocation)
    .get(async (request, response) => {
      const { limit, cursor, status, agentId, conversationId } = parseInput(listInvocations, request.query, 'query');
      const { workspaceId } = principalOf(response);
      const conditions = { workspace_id: workspaceId, status, agent_id: agentId, conversation_id: conversationId };
      const page = await loadPageIds(database, 'invocation', conditions, { before: readCursor(cursor), limit });
      const rows = await database.invocation.findMany({
        where: { workspaceId, id: { in: page.slice(0, limit).map(({ id }) => id) } },
        orderBy: { id: 'desc' },
        select: invocationFields,
      });
      sendPage(request, response, page, limit, rows.map(toInvocation));
    })
    .all(allowOnly('GET', 'POST'));

  router
    .route('/invocations/:id')
    .get(async (request, response) => {
      const { wait } = parseInput(readQuery, request.query, 'query');
      const invocation = await load(request, response);
      if (wait === 0 || isFinished(invocation.status)) return void response.json(invocation);
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const limit = AbortSignal.any([gone.signal, AbortSignal.timeout(wait * 1_000)]);
      await waitForEnd(waitParts, { conversationId: invocation.conversationId, invocationId: invocation.id }, limit);
      if (!gone.signal.aborted) response.json(await load(request, response));
    })
    .all(allowOnly('GET'));

  router
    .route('/invocations/:id/events')
    .get(async (request, response) => {
      const query = parseInput(eventsQuery, request.query, 'query');
      const header = parseInput(lastEventId, { 'Last-Event-ID': request.get('last-event-id') }, 'headers');
      const after = header['Last-Event-ID'] ?? query.after ?? 0;
      const { id: invocationId, conversationId, status } = await load(request, response);
      const asJson = wantsJson(request);
      if (!asJson && !isFinished(status)) return streamEvents(parts, response, { conversationId, invocationId, after });
      const missed = await loadMissed({ conversationId, invocationId }, after);
      if (asJson) return void response.json(missed);
      // An EventSource connects again after the end; 204 tells it that there is nothing more to come.
      if (missed.length === 0) return void response.status(204).end();
      sendEvents(response, missed);
    })
    .all(allowOnly('GET'));

  router
    .route('/invocations/:id/cancel')
    .post(async (request, response) => {
      const { id: invocationId } = parseInput(idPath, request.params, 'path');
      parseInput(cancelBody, request.body);
      const { workspaceId } = principalOf(response);
      const row = await database.invocation.findFirst({
        where: { id: invocationId, workspaceId },
        select: { conversationId: true },
      });
      const status =
        row && (await requestCancel(parts, { invocationId, conversationId: row.conversationId, workspaceId }));
      if (!status) throw invocationNotFound(invocationId);
      response.status(isFinished(status) ? 200 : 202).json(await load(request, response));
    })
    .all(allowOnly('POST'));

  return router;
}

function wantsStream(request: Request): boolean {
  return request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
}

function wantsJson(request: Request): boolean {
  return request.accepts(['text/event-stream', 'application/json']) === 'application/json';
}
