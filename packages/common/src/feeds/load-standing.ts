import { type InvocationStatus, isFinished } from '@nexus/protocol/invocation-status';
import type { LogAddress } from '../events/event-log-names.ts';
import type { Queryable } from '../postgres/queryable.ts';

/** An invocation's progress, without its text. `lastSeq` is valid only when it is finished. `begunAgoMs` is by the database's clock. */
export type Standing = { finished: boolean; lastSeq: number; begunAgoMs: number };

export type StandingRow = { status: InvocationStatus; lastSeq: bigint; begunAgoMs: number };

/** null if the conversation has no such invocation. */
export async function loadStanding(
  database: Queryable,
  { conversationId, invocationId }: LogAddress,
): Promise<Standing | null> {
  const [row] = await database.query<StandingRow>`
    SELECT status, last_seq AS "lastSeq", (extract(epoch FROM now() - created_at) * 1000)::float8 AS "begunAgoMs"
    FROM invocation WHERE id = ${invocationId}::uuid AND conversation_id = ${conversationId}::uuid`;
  if (!row) return null;
  return { finished: isFinished(row.status), lastSeq: Number(row.lastSeq), begunAgoMs: row.begunAgoMs };
}
