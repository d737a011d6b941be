import type { Logger } from '../logging/create-logger.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { Dispatch, InvocationQueues } from '../queue/invocation-queue.ts';
import { markEnqueued } from './status/mark-enqueued.ts';

type Parts = {
  database: Queryable;
  queues: Pick<InvocationQueues, 'add'>;
  logger: Pick<Logger, 'warn'>;
};

/**
 * Adds a committed dispatch to the queue, then sets `enqueuedAt`. Never rejects: the row is the outbox, and the sweep enqueues the rest.
 * Two calls add one job. True if this call set `enqueuedAt`.
 */
export async function dispatchInvocation(parts: Parts, dispatch: Dispatch): Promise<boolean> {
  return dispatchAndNote(parts, dispatch, async () =>
    (await markEnqueued(parts.database, [dispatch])).some(({ noted }) => noted),
  );
}

/** The same, but `note` sets `enqueuedAt`. */
export async function dispatchAndNote(
  { queues, logger }: Pick<Parts, 'queues' | 'logger'>,
  dispatch: Dispatch,
  note: () => Promise<boolean>,
): Promise<boolean> {
  try {
    await queues.add(dispatch);
    return await note();
  } catch (error) {
    logger.warn(
      { error, invocationId: dispatch.invocationId, dispatch: dispatch.dispatch },
      'left for the sweep to enqueue',
    );
    return false;
  }
}
