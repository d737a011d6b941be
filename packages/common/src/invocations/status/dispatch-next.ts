import type { Queryable } from '../../postgres/queryable.ts';
import { hasStatus } from '../has-status.ts';
import type { DispatchRow } from './dispatch-row.ts';

/** Dispatches the first in the conversation's line, if it still waits. null: the line is empty, or its first one has been dispatched. */
export async function dispatchNext(database: Queryable, conversationId: string): Promise<DispatchRow | null> {
  const [row] = await database.query<DispatchRow>`
    UPDATE invocation i SET dispatch = 1 FROM conversation c
    WHERE c.id = ${conversationId}::uuid AND i.id = c.line[1] AND ${hasStatus('i', 'queued')} AND i.dispatch = 0
    RETURNING i.id AS "invocationId", i.conversation_id AS "conversationId", i.dispatch, i.provider, 0::float8 AS "delayMs"`;
  return row ?? null;
}
