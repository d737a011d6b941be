import type { Queryable } from '../../postgres/queryable.ts';
import type { InvocationJob } from '../../queue/invocation-queue.ts';
import { hasStatus } from '../has-status.ts';
import { jobsInLockOrder } from '../row-locks.ts';

/** An invocation that still waits, or is being claimed at this moment. `noted`: this call set its `enqueuedAt`. */
export type Waiting = { invocationId: string; noted: boolean };

/** Sets `enqueuedAt` for these dispatches if it is not set, and returns those that still wait. */
export async function markEnqueued(database: Queryable, jobs: InvocationJob[]): Promise<Waiting[]> {
  return database.query<Waiting>`
    WITH ${jobsInLockOrder(jobs)}
    , noted AS (
      UPDATE invocation i SET enqueued_at = now() FROM job
      WHERE i.id = job.id AND i.dispatch = job.dispatch AND ${hasStatus('i', 'queued')} AND i.enqueued_at IS NULL RETURNING i.id)
    SELECT i.id AS "invocationId", EXISTS (SELECT 1 FROM noted WHERE noted.id = i.id) AS noted
    FROM job JOIN invocation i ON i.id = job.id AND i.dispatch = job.dispatch WHERE ${hasStatus('i', 'queued')}`;
}
