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
 * Takes a committed dispatch to the queue, then notes that it is there. Never rejects: the row is the outbox, and the sweep
 * enqueues whatever was left behind. Doing it twice adds one job. True when this call is the one that noted it.
 */
export async function dispatchInvocation(parts: Parts, dispatch: Dispatch): Promise<boolean> {
  return dispatchAndNote(parts, dispatch, async () =>
    (await markEnqueued(parts.database, [dispatch])).some(({ noted }) => noted),
  );
}

/** The same, with a way of its own to note it. */
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
