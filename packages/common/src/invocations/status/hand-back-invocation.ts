import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { PrismaClient } from '../../postgres/open-database.ts';
import { type AttemptUsage, usedBy } from '../usage-record.ts';
import type { AttemptId } from './attempt-id.ts';
import type { DispatchRow } from './dispatch-row.ts';

/** Why an attempt goes back to the queue, how long that is put off, and what the attempt has cost. */
export type HandBack = { reason: ErrorCode; delayMs: number; usage: AttemptUsage | null };

/** running → queued with the next dispatch: its worker stops, or the provider wants to be asked later. null: it has moved on. */
export async function handBackInvocation(
  database: Pick<PrismaClient, '$queryRaw'>,
  { invocationId, attempt }: AttemptId,
  { reason, delayMs, usage }: HandBack,
): Promise<DispatchRow | null> {
  const [row] = await database.$queryRaw<DispatchRow[]>`
    WITH back AS (
      UPDATE invocation i SET status = 'queued', dispatch = i.dispatch + 1, enqueued_at = NULL, worker_id = NULL, error_code = ${reason}::text,
             available_at = now() + ${delayMs}::float8 * interval '1 ms'
      WHERE i.id = ${invocationId}::uuid AND i.attempt = ${attempt}::int AND i.status = 'running'
      RETURNING i.*
    ), ${usedBy(usage)}
    SELECT id AS "invocationId", conversation_id AS "conversationId", dispatch, provider, ${delayMs}::float8 AS "delayMs", true AS begun FROM back`;
  return row ?? null;
}
