import { type AccessRouteParts, createAccessRoutes } from '../access/access-routes.ts';
import { type AgentRouteParts, createAgentRoutes } from '../agents/agent-routes.ts';
import { createAuditRoutes } from '../audit/audit-routes.ts';
import { type ConnectionRouteParts, createConnectionRoutes } from '../connections/connection-routes.ts';
import { createConversationRoutes } from '../conversations/conversation-routes.ts';
import { createInvocationRoutes, type InvocationRouteParts } from '../invocations/invocation-routes.ts';
import { createKeyRoutes, type KeyRouteParts } from '../keys/key-routes.ts';
import { createWorkspaceRoutes } from '../workspaces/workspace-routes.ts';
import type { Route } from './route.ts';

export type RouteParts = InvocationRouteParts &
  AgentRouteParts &
  KeyRouteParts &
  AccessRouteParts &
  ConnectionRouteParts;

/** The route table: everything that the API serves below /api, in the order of the document. */
export function createRoutes(parts: RouteParts): Route[] {
  return [
    ...createAgentRoutes(parts),
    ...createConversationRoutes(parts),
    ...createInvocationRoutes(parts),
    ...createAccessRoutes(parts),
    ...createKeyRoutes(parts),
    ...createConnectionRoutes(parts),
    ...createWorkspaceRoutes(parts),
    ...createAuditRoutes(parts),
  ];
}
