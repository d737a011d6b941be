import type { NewEvent } from '@nexus/protocol/event';
import type { InvocationStatus } from '@nexus/protocol/invocation-status';
import type { EventAppender } from '../events/append-events.ts';
import { cancelKey } from '../events/event-log-names.ts';
import { foreseeSeq } from '../events/read-log.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { PrismaClient } from '../postgres/open-database.ts';
import type { InvocationQueues } from '../queue/invocation-queue.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { endInvocation } from './end-invocation.ts';
import type { InvocationMetrics } from './invocation-metrics.ts';
import { type CancelResult, cancelInvocation } from './status/cancel-invocation.ts';
import { nudgeWorker } from './worker-nudge.ts';

export type CancelParts = {
  database: PrismaClient;
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

/** The cancel is stored whether or not anybody can be notified: the heartbeat and the sweep find it there. */
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
  // What an earlier attempt said is not kept: it was to be said again.
  const dropped: NewEvent = { type: 'invocation.restarted', data: { attempt: result.attempt, reason: 'cancelled' } };
  await appender.append(result, result.attempt, result.attempt > 0 ? [dropped, cancelled] : [cancelled], -1);
  if (result.dispatch > 0) await queues.remove(result);
};
