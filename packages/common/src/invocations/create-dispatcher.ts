import type { Logger } from '../logging/create-logger.ts';
import type { Queryable } from '../postgres/queryable.ts';
import type { Dispatch, InvocationQueues } from '../queue/invocation-queue.ts';
import { liveness } from '../timing/liveness.ts';
import { dispatchAndNote } from './dispatch-invocation.ts';
import { markEnqueued } from './status/mark-enqueued.ts';

export type DispatcherParts = {
  database: Queryable;
  queues: Pick<InvocationQueues, 'add'>;
  logger: Pick<Logger, 'warn'>;
};

/**
 * Adds new invocations to the queue. A timer then sets `enqueuedAt` for all invocations of a short while in one statement. Mostly a worker has
 * claimed them by then, which sets it too. Calls `onWaiting` for those that still wait. Never rejects: if `enqueuedAt` is not set, the sweep adds
 * the job again, which does no harm.
 */
export function createDispatcher(
  parts: DispatcherParts,
): (dispatch: Dispatch, onWaiting: () => void) => Promise<unknown> {
  type Unnoted = { dispatch: Dispatch; onWaiting(): void };
  let unnoted: Unnoted[] = [];

  async function noteAll(): Promise<void> {
    const jobs = unnoted;
    unnoted = [];
    const waiting = new Set(await note(jobs.map(({ dispatch }) => dispatch)));
    for (const { dispatch, onWaiting } of jobs) if (waiting.has(dispatch.invocationId)) onWaiting();
  }

  /** The ids of those that may still wait; all of them if Postgres is away. */
  async function note(jobs: Dispatch[]): Promise<string[]> {
    try {
      const waiting = await markEnqueued(parts.database, jobs);
      return waiting.map(({ invocationId }) => invocationId);
    } catch (error) {
      parts.logger.warn({ error, jobs: jobs.length }, 'could not mark invocations as enqueued');
      return jobs.map(({ invocationId }) => invocationId);
    }
  }

  async function noteSoon(job: Unnoted): Promise<boolean> {
    unnoted.push(job);
    if (unnoted.length === 1) setTimeout(() => void noteAll(), liveness.noteEnqueuedMs);
    return true;
  }

  return (dispatch, onWaiting) => dispatchAndNote(parts, dispatch, () => noteSoon({ dispatch, onWaiting }));
}
