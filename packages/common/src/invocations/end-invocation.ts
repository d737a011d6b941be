import type { Logger } from '../logging/create-logger.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { InvocationQueues } from '../queue/invocation-queue.ts';
import { dispatchInvocation } from './dispatch-invocation.ts';
import type { InvocationMetrics } from './invocation-metrics.ts';
import { dispatchNext } from './status/dispatch-next.ts';
import type { Ended } from './status/ended.ts';

export type EndParts = {
  database: Queryable;
  queues: Pick<InvocationQueues, 'add'>;
  logger: Pick<Logger, 'warn'>;
  metrics: Pick<InvocationMetrics, 'ended'>;
};

/**
 * The one way to end an invocation: first one conditional statement, then at the same time the announcement and the dispatch of the next in
 * line. Resolves to the result of `write`. If `write` ended nothing, this counts, dispatches and announces nothing. Rejects as `write` and
 * `announce` do.
 */
export async function endInvocation<Written extends { ended: Ended | null }>(
  parts: EndParts,
  conversationId: string,
  write: () => Promise<Written | null>,
  announce: (ended: Ended, written: Written) => Promise<void>,
): Promise<Written | null> {
  const written = await write();
  if (!written?.ended) return written;
  const { ended } = written;
  parts.metrics.ended(ended);
  await Promise.all([announce(ended, written), ended.hasNext && startNext(parts, conversationId)]);
  return written;
}

/** Never rejects: if it fails, the sweep dispatches the next. */
async function startNext(parts: EndParts, conversationId: string): Promise<void> {
  try {
    const next = await dispatchNext(parts.database, conversationId);
    if (next) await dispatchInvocation(parts, next);
  } catch (error) {
    parts.logger.warn({ error, conversationId }, 'the next in line is left for the sweep');
  }
}
