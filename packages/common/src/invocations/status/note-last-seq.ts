import type { PrismaClient } from '../../postgres/open-database.ts';
import type { AttemptId } from './attempt-id.ts';

/** Where the log of an ended invocation came to its end, if it is not where its finish foresaw. */
export async function noteLastSeq(
  database: Pick<PrismaClient, '$queryRaw'>,
  { invocationId, attempt }: AttemptId,
  lastSeq: number,
): Promise<void> {
  await database.$queryRaw`
    UPDATE invocation SET last_seq = ${lastSeq}::bigint
    WHERE id = ${invocationId}::uuid AND attempt = ${attempt}::int AND status NOT IN ('queued', 'running')`;
}
