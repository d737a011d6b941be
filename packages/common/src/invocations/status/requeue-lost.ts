import type { Queryable } from '../../postgres/queryable.ts';
import { unknownUsage, usedBy } from '../usage-record.ts';
import type { AttemptId } from './attempt-id.ts';
import type { DispatchRow } from './dispatch-row.ts';

/**
 * running → queued, because the worker is dead. Adds an empty usage record for the lost attempt, which is estimated later. null: the row has
 * moved on, or another process has locked it.
 */
export async function requeueLost(
  database: Queryable,
  { invocationId, attempt }: AttemptId,
  workerId: string,
): Promise<DispatchRow | null> {
  const [row] = await database.query<DispatchRow>`
    WITH lost AS (
      SELECT id FROM invocation
      WHERE id = ${invocationId}::uuid AND attempt = ${attempt}::int AND status = 'running' AND worker_id = ${workerId}::uuid
      FOR UPDATE SKIP LOCKED
    ), back AS (
      UPDATE invocation i SET status = 'queued', dispatch = i.dispatch + 1, enqueued_at = NULL, worker_id = NULL,
             lost_attempts = i.lost_attempts + 1, error_code = 'worker_lost'
      FROM lost WHERE i.id = lost.id
      RETURNING i.*
    ), ${usedBy(unknownUsage)}
    SELECT id AS "invocationId", conversation_id AS "conversationId", dispatch, provider, 0::float8 AS "delayMs", true AS begun FROM back`;
  return row ?? null;
}
