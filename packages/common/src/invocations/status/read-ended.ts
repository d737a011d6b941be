import type { PrismaClient } from '../../postgres/open-database.ts';
import type { AttemptId } from './attempt-id.ts';
import { type Ended, timingsOf } from './ended.ts';

/** How this very attempt ended its invocation, for a writer that lost the reply to its own write. null: it did not, or another did. */
export async function readEnded(
  database: Pick<PrismaClient, '$queryRaw'>,
  { invocationId, attempt }: AttemptId,
): Promise<Ended | null> {
  const [row] = await database.$queryRaw<Ended[]>`
    SELECT i.status, i.output_message_id AS "messageId", cardinality(c.line) > 0 AS "hasNext", ${timingsOf('i')}
    FROM invocation i JOIN conversation c ON c.id = i.conversation_id
    WHERE i.id = ${invocationId}::uuid AND i.attempt = ${attempt}::int AND i.status NOT IN ('queued', 'running')`;
  return row ?? null;
}
