import type { Logger } from '../logging/create-logger.ts';
import type { PrismaClient } from '../postgres/open-database.ts';
import type { Dispatch, InvocationQueues } from '../queue/invocation-queue.ts';
import { liveness } from '../timing/liveness.ts';
import { dispatchAndNote } from './dispatch-invocation.ts';
import { markEnqueued } from './status/mark-enqueued.ts';

export type DispatcherParts = {
  database: Pick<PrismaClient, '$queryRaw'>;
  queues: Pick<InvocationQueues, 'add'>;
  logger: Pick<Logger, 'warn'>;
};

/**
 * Takes new invocations to the queue. That Redis holds them is noted for all of a moment in one statement, by one timer: mostly a worker
 * has claimed them by then, which notes the same. Of those that still wait `onWaiting` is told. Never rejects; a job that is not noted is added again by the sweep,
 * which does no harm.
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

  /** Which of them may still wait: all, when Postgres does not say. */
  async function note(jobs: Dispatch[]): Promise<string[]> {
    try {
      const waiting = await markEnqueued(parts.database, jobs);
      return waiting.map(({ invocationId }) => invocationId);
    } catch (error) {
      parts.logger.warn({ error, jobs: jobs.length }, 'could not note what was enqueued');
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
