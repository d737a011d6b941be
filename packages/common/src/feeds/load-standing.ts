import { type InvocationStatus, isFinished } from '@nexus/protocol/invocation-status';
import type { LogAddress } from '../events/event-log-names.ts';
import type { Queryable } from '../postgres/queryable.ts';

/** How far an invocation is, without what was said. `lastSeq` counts once it is finished; `begunAgoMs` is by the database's clock. */
export type Standing = { finished: boolean; lastSeq: number; begunAgoMs: number };

export type StandingRow = { status: InvocationStatus; lastSeq: bigint; begunAgoMs: number };

/** null when there is no such invocation in that conversation. */
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
