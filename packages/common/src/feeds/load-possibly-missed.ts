import type { Queryable } from '../postgres/queryable.ts';

/** `begunAgoMs` is by the database's clock, and null while the invocation is unfinished. */
export type PossiblyMissed = { conversationId: string; invocationId: string; begunAgoMs: number | null };

/**
 * The unfinished invocations of these conversations, oldest first, and those that ended within the last hour. No process is expected to live on
 * without Redis for longer than that.
 */
export async function loadPossiblyMissed(database: Queryable, conversationIds: string[]): Promise<PossiblyMissed[]> {
  return database.query<PossiblyMissed>`
    SELECT i.conversation_id AS "conversationId", i.id AS "invocationId",
           CASE WHEN i.finished_at IS NOT NULL THEN (extract(epoch FROM now() - i.created_at) * 1000)::float8 END AS "begunAgoMs"
    FROM conversation c JOIN invocation i ON i.conversation_id = c.id
    WHERE c.id = ANY(${conversationIds}::uuid[]) AND (i.id = ANY(c.line) OR i.finished_at > now() - interval '1 h')
    ORDER BY i.conversation_id, i.input_position`;
}
