import type { Queryable } from '../../postgres/queryable.ts';
import type { AttemptId } from './attempt-id.ts';
import { type Ended, timingsOf } from './ended.ts';

/** How this attempt ended its invocation, for a writer that lost the reply to its own write. null: this attempt did not end it. */
export async function readEnded(database: Queryable, { invocationId, attempt }: AttemptId): Promise<Ended | null> {
  const [row] = await database.query<Ended>`
    SELECT i.status, i.output_message_id AS "messageId", cardinality(c.line) > 0 AS "hasNext", ${timingsOf('i')}
    FROM invocation i JOIN conversation c ON c.id = i.conversation_id
    WHERE i.id = ${invocationId}::uuid AND i.attempt = ${attempt}::int AND i.status NOT IN ('queued', 'running')`;
  return row ?? null;
}
