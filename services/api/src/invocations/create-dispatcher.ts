import { dispatchAndNote } from '@nexus/common/dispatch-invocation';
import type { Dispatch } from '@nexus/common/invocation-queue';
import { markEnqueued } from '@nexus/common/invocation-status';
import type { ApiParts } from '../app.ts';

/** Less than the sweep leaves a new row alone, and long enough for a worker at ease to claim it, which notes the same. Milliseconds. */
const noteAfterMs = 100;

/**
 * Takes new invocations to the queue. That Redis holds them is noted for all of a moment in one statement: mostly there is nothing left
 * to note by then. Never rejects; a job that is not noted is added again by the sweep, which does no harm.
 */
export function createDispatcher(
  parts: Pick<ApiParts, 'database' | 'queues' | 'logger'>,
): (dispatch: Dispatch) => Promise<unknown> {
  let unnoted: Dispatch[] = [];

  async function note(): Promise<void> {
    const jobs = unnoted;
    unnoted = [];
    try {
      await markEnqueued(parts.database, jobs);
    } catch (error) {
      parts.logger.warn({ error, jobs: jobs.length }, 'could not note what was enqueued');
    }
  }

  async function noteSoon(dispatch: Dispatch): Promise<boolean> {
    unnoted.push(dispatch);
    if (unnoted.length === 1) setTimeout(() => void note(), noteAfterMs);
    return true;
  }

  return (dispatch) => dispatchAndNote(parts, dispatch, () => noteSoon(dispatch));
}
