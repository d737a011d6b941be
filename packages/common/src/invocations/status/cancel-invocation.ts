import type { InvocationStatus } from '@nexus/protocol/invocation-status';
import type { Queryable } from '../../postgres/queryable.ts';
import type { ProviderName } from '../../queue/provider-name.ts';
import { hasStatus } from '../has-status.ts';
import type { AttemptId } from './attempt-id.ts';
import { type Ended, type InvocationTimings, timingsOf } from './ended.ts';

export type CancelResult = AttemptId & {
  /** The status now: `cancelled` if it was queued, `running` if its worker must still stop, otherwise the status with which it ended earlier. */
  status: InvocationStatus;
  /** null if this call did not end it. */
  ended: Ended | null;
  workerId: string | null;
  provider: ProviderName;
  dispatch: number;
};

/** As Postgres returns it. */
export type CancelRow = Omit<CancelResult, 'ended'> & { timings: InvocationTimings | null; hasNext: boolean };

/**
 * queued → cancelled. For a running invocation it stores the cancel request. null: no such invocation. A second call does no harm.
 * `lastSeq` is the seq that the terminal event of a queued one will have. It is one more after an earlier attempt, because an event that tells
 * clients to drop that attempt's text comes first.
 */
export async function cancelInvocation(
  database: Queryable,
  where: { invocationId: string; workspaceId: string; lastSeq: number },
): Promise<CancelResult | null> {
  const [row] = await database.query<CancelRow>`
    WITH target AS (
      SELECT i.id, c.id AS conversation_id FROM invocation i JOIN conversation c ON c.id = i.conversation_id
      WHERE i.id = ${where.invocationId}::uuid AND i.workspace_id = ${where.workspaceId}::uuid
      FOR UPDATE OF c
    ), changed AS (
      UPDATE invocation i SET
        cancel_requested_at = coalesce(i.cancel_requested_at, now()),
        status = CASE WHEN i.status = 'queued' THEN 'cancelled' ELSE i.status END,
        finished_at = CASE WHEN i.status = 'queued' THEN now() END,
        last_seq = CASE WHEN i.status = 'queued' THEN ${where.lastSeq}::bigint + (i.attempt > 0)::int ELSE i.last_seq END
      FROM target WHERE i.id = target.id AND ${hasStatus('i', 'queued', 'running')}
      RETURNING i.*
    ), line AS (
      UPDATE conversation c SET line = array_remove(c.line, changed.id), updated_at = now()
      FROM changed WHERE c.id = changed.conversation_id AND changed.status = 'cancelled'
      RETURNING cardinality(c.line) > 0 AS has_next)
    SELECT i.id AS "invocationId", i.conversation_id AS "conversationId", i.attempt, i.provider, i.dispatch, coalesce(changed.worker_id, i.worker_id) AS "workerId",
           coalesce(changed.status, i.status) AS status, CASE WHEN changed.status = 'cancelled' THEN (SELECT to_jsonb(timings) FROM (SELECT ${timingsOf('changed')}) timings) END AS timings,
           coalesce((SELECT has_next FROM line), false) AS "hasNext"
    FROM target JOIN invocation i ON i.id = target.id LEFT JOIN changed ON changed.id = i.id`;
  if (!row) return null;
  const { timings, hasNext, ...result } = row;
  return { ...result, ended: timings && { ...timings, status: 'cancelled', messageId: null, hasNext } };
}
