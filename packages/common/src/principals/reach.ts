import type { Principal } from './principal.ts';

/** Whether the conversation is there for this principal: a token may be limited to one. The workspace is the caller's to check. */
export function reachesConversation({ conversationId }: Pick<Principal, 'conversationId'>, id: string): boolean {
  return conversationId === null || conversationId === id;
}

/** Whether the agent is there for this principal: a key may be limited to some. */
export function reachesAgent({ agentIds }: Pick<Principal, 'agentIds'>, id: string): boolean {
  return agentIds === null || agentIds.includes(id);
}
