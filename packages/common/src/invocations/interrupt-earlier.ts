import { type CancelParts, requestCancel } from './request-cancel.ts';

export type Earlier = { invocationIds: string[]; conversationId: string; workspaceId: string; rollback: boolean };

/**
 * Cancels the invocations before an interrupting one in the line. The statement that inserted it has requested this already, but could not see
 * rows that were written while it waited for the conversation's lock. Cancels the newest first: the end of an older one would dispatch a newer
 * one that is about to be cancelled.
 */
export async function interruptEarlier(parts: CancelParts, earlier: Earlier): Promise<void> {
  const { invocationIds, conversationId, workspaceId, rollback } = earlier;
  if (rollback) {
    await parts.database.query`
      UPDATE invocation SET rolled_back = true WHERE id = ANY(${invocationIds}::uuid[]) AND NOT rolled_back AND status <> 'completed'`;
  }
  for (const invocationId of invocationIds.toReversed())
    await requestCancel(parts, { invocationId, conversationId, workspaceId });
}
