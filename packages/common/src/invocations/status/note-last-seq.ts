import type { Queryable } from '../../postgres/queryable.ts';
import type { AttemptId } from './attempt-id.ts';

/** Where the log of an ended invocation came to its end, if it is not where its finish foresaw. */
export async function noteLastSeq(
  database: Queryable,
  { invocationId, attempt }: AttemptId,
  lastSeq: number,
): Promise<void> {
  await database.query`
    UPDATE invocation SET last_seq = ${lastSeq}::bigint
    WHERE id = ${invocationId}::uuid AND attempt = ${attempt}::int AND status NOT IN ('queued', 'running')`;
}
