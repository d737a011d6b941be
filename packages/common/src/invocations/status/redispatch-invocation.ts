import type { Queryable } from '../../postgres/queryable.ts';
import type { InvocationJob } from '../../queue/invocation-queue.ts';
import type { DispatchRow } from './dispatch-row.ts';

/** Gives a queued row a new dispatch, because the worker that was given its job died or never got it. It goes to the head of its queue. */
export async function redispatchInvocation(database: Queryable, job: InvocationJob): Promise<DispatchRow | null> {
  const [row] = await database.query<DispatchRow>`
    UPDATE invocation SET dispatch = dispatch + 1, enqueued_at = NULL
    WHERE id = ${job.invocationId}::uuid AND status = 'queued' AND dispatch = ${job.dispatch}::int
    RETURNING id AS "invocationId", conversation_id AS "conversationId", dispatch, provider, 0::float8 AS "delayMs", true AS begun`;
  return row ?? null;
}
