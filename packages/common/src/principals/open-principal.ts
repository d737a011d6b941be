import { defaultWorkspaceId } from './default-workspace.ts';
import type { Principal } from './principal.ts';
import { scopes } from './scope.ts';

/** Everybody, where no key is asked for: the default workspace with every scope. */
export const openPrincipal: Principal = {
  workspaceId: defaultWorkspaceId,
  keyId: null,
  scopes,
  agentIds: null,
  conversationId: null,
  userId: null,
};
