import type { Scope } from './scope.ts';

/**
 * On whose behalf something is done. Every read and write for a principal names its workspace. `keyId` is null where nobody needs a key;
 * `userId` is the customer's own name for its end user.
 */
export type Principal = {
  workspaceId: string;
  keyId: string | null;
  scopes: readonly Scope[];
  /** null: every agent of the workspace. */
  agentIds: readonly string[] | null;
  /** null: every conversation of the workspace. */
  conversationId: string | null;
  userId: string | null;
};
