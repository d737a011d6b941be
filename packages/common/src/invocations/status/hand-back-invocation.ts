import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { Queryable } from '../../postgres/queryable.ts';
import { type AttemptUsage, usedBy } from '../usage-record.ts';
import type { DispatchRow } from './dispatch-row.ts';
import type { Held } from './held.ts';

/** running → queued with the next dispatch: its worker stops, or the provider wants to be asked later. null: it has moved on. */
export async function handBackInvocation(
  database: Queryable,
  held: Held,
  { reason, delayMs, usage }: { reason: ErrorCode; delayMs: number; usage: AttemptUsage | null },
): Promise<DispatchRow | null> {
  const [row] = await database.query<DispatchRow>`
    WITH back AS (
      UPDATE invocation i SET status = 'queued', dispatch = i.dispatch + 1, enqueued_at = NULL, worker_id = NULL, error_code = ${reason}::text,
             available_at = now() + ${delayMs}::float8 * interval '1 ms'
      WHERE i.id = ${held.invocationId}::uuid AND i.attempt = ${held.attempt}::int AND i.status = 'running'
      RETURNING i.*
    ), ${usedBy(usage)}
    SELECT id AS "invocationId", conversation_id AS "conversationId", dispatch, provider, ${delayMs}::float8 AS "delayMs", true AS begun FROM back`;
  return row ?? null;
}
