import type { Queryable } from '@nexus/common/postgres/queryable';
import type { Principal } from '@nexus/common/principals/principal';
import type { InvocationStatus } from '@nexus/protocol/invocation-status';

export type WatchableInvocation = { id: string; status: InvocationStatus; lastSeq: number };

/**
 * The conversation's unfinished invocations, and those of `named` that belong to it. null if the principal's workspace has no such conversation.
 */
export async function loadWatchable(
  database: Queryable,
  { workspaceId }: Principal,
  conversationId: string,
  named: string[],
): Promise<WatchableInvocation[] | null> {
  const [row] = await database.query<{ invocations: WatchableInvocation[] }>`
    SELECT coalesce((
      SELECT jsonb_agg(jsonb_build_object('id', i.id, 'status', i.status, 'lastSeq', i.last_seq) ORDER BY i.input_position)
      FROM invocation i WHERE i.conversation_id = c.id AND (i.id = ANY(c.line) OR i.id = ANY(${named}::uuid[]))), '[]') AS invocations
    FROM conversation c WHERE c.id = ${conversationId}::uuid AND c.workspace_id = ${workspaceId}::uuid`;
  return row?.invocations ?? null;
}
