import type { NewEvent } from '@nexus/protocol/event';
import type { InvocationStatus } from '@nexus/protocol/invocation-status';
import type { EventAppender } from '../events/append-events.ts';
import { cancelKey } from '../events/event-log-names.ts';
import { foreseeSeq } from '../events/read-log.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { Database } from '../postgres/open-database.ts';
import type { InvocationQueues } from '../queue/invocation-queue.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { endInvocation } from './end-invocation.ts';
import type { InvocationMetrics } from './invocation-metrics.ts';
import { type CancelResult, cancelInvocation } from './status/cancel-invocation.ts';
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

/** Within this time every running attempt appends again, or learns of the cancel by its heartbeat. */
const flagExpiryMs = 3_600_000;

/**
 * Cancels an invocation. A queued one ends at once. For a running one, this asks its worker. An ended one stays unchanged. The request is in
 * Postgres before this notifies anyone. null: this workspace has no such invocation.
 */
export async function requestCancel(parts: CancelParts, target: CancelTarget): Promise<InvocationStatus | null> {
  const lastSeq = await foreseeSeq(parts.redis, target);
  const result = await endInvocation(
    parts,
    target.conversationId,
    () => cancelInvocation(parts.database, { ...target, lastSeq }),
    (_, cancelled) => notify(parts, cancelled, announceCancelled),
  );
  if (result?.status === 'running') await notify(parts, result, notifyWorker);
  return result?.status ?? null;
}

type Notify = (parts: CancelParts, result: CancelResult) => Promise<void>;

/** Never rejects: the cancel is stored already, and the heartbeat and the sweep find it in Postgres. */
async function notify(parts: CancelParts, result: CancelResult, how: Notify): Promise<void> {
  try {
    await how(parts, result);
  } catch (error) {
    const { invocationId, conversationId } = result;
    parts.logger.warn({ error, invocationId, conversationId }, 'cancel is stored but could not be announced');
  }
}

const notifyWorker: Notify = async ({ redis }, { invocationId, conversationId, workerId }) => {
  await redis.set(cancelKey(conversationId, invocationId), '1', 'PX', flagExpiryMs);
  if (workerId) await nudgeWorker(redis, workerId, { cancel: invocationId });
};

const announceCancelled: Notify = async ({ appender, queues }, result) => {
  const cancelled: NewEvent = { type: 'invocation.cancelled', data: { messageId: null, contentSha256: null } };
  // The text of an earlier attempt is not stored, so clients must drop it.
  const dropped: NewEvent = { type: 'invocation.restarted', data: { attempt: result.attempt, reason: 'cancelled' } };
  await appender.append(result, result.attempt, result.attempt > 0 ? [dropped, cancelled] : [cancelled], -1);
  if (result.dispatch > 0) await queues.remove(result);
};
