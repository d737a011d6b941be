import type { Queryable } from '../../postgres/queryable.ts';
import { courseOf, type Finished } from './finished.ts';
import type { Held } from './held.ts';

/** How this very attempt was finished, for a writer that lost the reply to its own write. null: it was not, or by another. */
export async function readFinished(database: Queryable, held: Held): Promise<Finished | null> {
  const [row] = await database.query<Finished>`
    SELECT i.status, i.output_message_id AS "messageId", cardinality(c.line) > 0 AS waiting, ${courseOf('i')}
    FROM invocation i JOIN conversation c ON c.id = i.conversation_id
    WHERE i.id = ${held.invocationId}::uuid AND i.attempt = ${held.attempt}::int AND i.status NOT IN ('queued', 'running')`;
  return row ?? null;
}
