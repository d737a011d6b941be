import type { NewEvent } from '@nexus/protocol/event';
import type { InvocationStatus } from '@nexus/protocol/invocation-status';
import type { EventAppender } from '../events/append-events.ts';
import { cancelKey } from '../events/event-log-names.ts';
import { foreseeSeq } from '../events/read-log.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { Database } from '../postgres/open-database.ts';
import type { InvocationQueues } from '../queue/invocation-queue.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { dispatchInvocation } from './dispatch-invocation.ts';
import type { InvocationMetrics } from './invocation-metrics.ts';
import { type CancelResult, cancelInvocation } from './status/cancel-invocation.ts';
import { dispatchNext } from './status/dispatch-next.ts';
import { nudgeWorker } from './worker-nudge.ts';

export type CancelParts = {
  database: Database;
  redis: Redis;
  appender: Pick<EventAppender, 'append'>;
  queues: Pick<InvocationQueues, 'add' | 'remove'>;
  logger: Pick<Logger, 'warn'>;
  metrics: Pick<InvocationMetrics, 'ended'>;
};

export type CancelTarget = { invocationId: string; conversationId: string; workspaceId: string };

/** Long enough for any attempt to append again, or to notice by its heartbeat. */
const flagExpiryMs = 3_600_000;

/**
 * Cancels in whatever state: a queued invocation at once, a running one by asking its worker; one that is over stays as it is.
 * The wish is in Postgres before anybody is told. null: there is no such invocation in this workspace.
 */
export async function requestCancel(parts: CancelParts, target: CancelTarget): Promise<InvocationStatus | null> {
  const { database, redis, logger } = parts;
  const lastSeq = await foreseeSeq(redis, target);
  const result = await cancelInvocation(database, { ...target, lastSeq });
  if (!result) return null;
  if (result.ended) parts.metrics.ended('cancelled', result.ended);
  const ids = { invocationId: result.invocationId, conversationId: result.conversationId };
  try {
    if (result.ended) await announceCancelled(parts, result);
    else if (result.status === 'running') {
      await redis.set(cancelKey(ids.conversationId, ids.invocationId), '1', 'PX', flagExpiryMs);
      if (result.workerId) await nudgeWorker(redis, result.workerId, { cancel: ids.invocationId });
    }
  } catch (error) {
    logger.warn({ error, ...ids }, 'cancel is stored but could not be announced');
  }
  return result.status;
}

async function announceCancelled(parts: CancelParts, result: CancelResult): Promise<void> {
  const next = result.waiting ? await dispatchNext(parts.database, result.conversationId) : null;
  if (next) await dispatchInvocation(parts, next);
  const cancelled: NewEvent = { type: 'invocation.cancelled', data: { messageId: null, contentSha256: null } };
  // What an earlier attempt said is not kept: it was to be said again.
  const dropped: NewEvent = { type: 'invocation.restarted', data: { attempt: result.attempt, reason: 'cancelled' } };
  await parts.appender.append(result, result.attempt, result.attempt > 0 ? [dropped, cancelled] : [cancelled], -1);
  if (result.dispatch > 0) await parts.queues.remove(result);
}
