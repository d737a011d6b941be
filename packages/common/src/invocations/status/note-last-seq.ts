import type { Queryable } from '../../postgres/queryable.ts';
import type { AttemptId } from './attempt-id.ts';

/** Corrects the last seq of an ended invocation, if its log ended at another seq than was expected. */
export async function noteLastSeq(
  database: Queryable,
  { invocationId, attempt }: AttemptId,
  lastSeq: number,
): Promise<void> {
  await database.query`
    UPDATE invocation SET last_seq = ${lastSeq}::bigint
    WHERE id = ${invocationId}::uuid AND attempt = ${attempt}::int AND status NOT IN ('queued', 'running')`;
}
