import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { Queryable } from '../../postgres/queryable.ts';
import { type AttemptUsage, usedBy } from '../usage-record.ts';
import type { AttemptId } from './attempt-id.ts';
import type { DispatchRow } from './dispatch-row.ts';

/** Why an attempt is handed back, the delay of the next dispatch, and the attempt's usage. */
export type HandBack = { reason: ErrorCode; delayMs: number; usage: AttemptUsage | null };

/** running → queued with the next dispatch: the worker stops, or the provider asked for a long wait. null: the row has moved on. */
export async function handBackInvocation(
  database: Queryable,
  { invocationId, attempt }: AttemptId,
  { reason, delayMs, usage }: HandBack,
): Promise<DispatchRow | null> {
  const [row] = await database.query<DispatchRow>`
    WITH back AS (
      UPDATE invocation i SET status = 'queued', dispatch = i.dispatch + 1, enqueued_at = NULL, worker_id = NULL, error_code = ${reason}::text,
             available_at = now() + ${delayMs}::float8 * interval '1 ms'
      WHERE i.id = ${invocationId}::uuid AND i.attempt = ${attempt}::int AND i.status = 'running'
      RETURNING i.*
    ), ${usedBy(usage)}
    SELECT id AS "invocationId", conversation_id AS "conversationId", dispatch, provider, ${delayMs}::float8 AS "delayMs", true AS begun FROM back`;
  return row ?? null;
}
