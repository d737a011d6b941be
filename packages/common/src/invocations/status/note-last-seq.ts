import type { PrismaClient } from '../../postgres/open-database.ts';
import type { AttemptId } from './attempt-id.ts';

/** Corrects the last seq of an ended invocation, if its log ended at another seq than was expected. */
export async function noteLastSeq(
  database: Pick<PrismaClient, '$queryRaw'>,
  { invocationId, attempt }: AttemptId,
  lastSeq: number,
): Promise<void> {
  await database.$queryRaw`
    UPDATE invocation SET last_seq = ${lastSeq}::bigint
    WHERE id = ${invocationId}::uuid AND attempt = ${attempt}::int AND status NOT IN ('queued', 'running')`;
}
