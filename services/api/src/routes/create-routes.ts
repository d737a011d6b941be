import { createAgentRoutes } from '../agents/agent-routes.ts';
import { createConversationRoutes } from '../conversations/conversation-routes.ts';
import { createInvocationRoutes, type InvocationRouteParts } from '../invocations/invocation-routes.ts';
import type { Route } from './route.ts';

export type RouteParts = InvocationRouteParts;

/** The route table: everything that the API serves below /api, in the order of the document. */
export function createRoutes(parts: RouteParts): Route[] {
  return [...createAgentRoutes(parts), ...createConversationRoutes(parts), ...createInvocationRoutes(parts)];
}
