import { createInvocationCreator, type InvocationCreatorParts } from '@nexus/common/invocations/create-invocation';
import { type AccessRouteParts, createAccessRoutes } from '../access/access-routes.ts';
import { type AgentRouteParts, createAgentRoutes } from '../agents/agent-routes.ts';
import type { ApiMetrics } from '../api-metrics.ts';
import { createAuditRoutes } from '../audit/audit-routes.ts';
import { type ConnectionRouteParts, createConnectionRoutes } from '../connections/connection-routes.ts';
import { createConversationRoutes } from '../conversations/conversation-routes.ts';
import { createInvocationRoutes, type InvocationRouteParts } from '../invocations/invocation-routes.ts';
import { createKeyRoutes, type KeyRouteParts } from '../keys/key-routes.ts';
import { createOpenAiChatRoutes } from '../protocols/openai-chat/routes.ts';
import { createWorkspaceRoutes } from '../workspaces/workspace-routes.ts';
import type { Route } from './route.ts';

export type RouteParts = Omit<InvocationRouteParts, 'createInvocation'> &
  Omit<InvocationCreatorParts, 'onCreated'> &
  AgentRouteParts &
  KeyRouteParts &
  AccessRouteParts &
  ConnectionRouteParts & { apiMetrics: Pick<ApiMetrics, 'created'> };

/** The route table: everything that the API serves, in the order of the document. */
export function createRoutes(given: RouteParts): Route[] {
  // One for all protocols: calls that come together go to Postgres together.
  const createInvocation = createInvocationCreator({ ...given, onCreated: given.apiMetrics.created });
  const parts = { ...given, createInvocation };
  return [
    ...createAgentRoutes(parts),
    ...createConversationRoutes(parts),
    ...createInvocationRoutes(parts),
    ...createOpenAiChatRoutes(parts),
    ...createAccessRoutes(parts),
    ...createKeyRoutes(parts),
    ...createConnectionRoutes(parts),
    ...createWorkspaceRoutes(parts),
    ...createAuditRoutes(parts),
  ];
}
