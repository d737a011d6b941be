import { AppError } from '@nexus/common/errors/app-error';
import { agentNotFound, conversationNotFound, invocationNotFound } from '@nexus/common/errors/not-found';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Principal } from '@nexus/common/principals/principal';
import { reachesAgent, reachesConversation } from '@nexus/common/principals/reach';
import type { Route } from './route.ts';

/** The places where a request names what it is about. */
export type NamedInRequest = {
  params?: { id?: string; model?: string } | undefined;
  query?: { conversationId?: string } | undefined;
  body?: { agentId?: string; conversationId?: string } | undefined;
};

type Reach = Pick<Principal, 'workspaceId' | 'agentIds' | 'conversationId'>;
export type AssertReach = (route: Pick<Route, 'names'>, principal: Reach, asked: NamedInRequest) => Promise<void>;

/**
 * Checks what a caller asks for that is limited to one conversation or to some agents. Everything else answers as an unknown id does, or
 * with `scope_missing` where the request names nothing.
 */
export function createReachCheck(database: Pick<Database, 'invocation'>): AssertReach {
  return async (route, principal, asked) => {
    if (principal.agentIds !== null) assertAgent(route, principal, asked);
    if (principal.conversationId !== null) await assertConversation(route, principal, asked);
  };

  async function assertConversation({ names }: Pick<Route, 'names'>, principal: Reach, asked: NamedInRequest) {
    const { params = {}, query, body } = asked;
    if (names === 'model') throw agentNotFound(params.model ?? '');
    if (params.id === undefined) return assertNamed(principal, body?.conversationId, query?.conversationId);
    const { id } = params;
    if (names === 'agent') throw agentNotFound(id);
    if (names === 'conversation' && !reachesConversation(principal, id)) throw conversationNotFound(id);
    if (names === 'invocation' && !(await isInvocationReached(principal, id))) throw invocationNotFound(id);
    if (names === undefined) throw limited();
  }

  async function isInvocationReached({ workspaceId, conversationId }: Reach, id: string): Promise<boolean> {
    const where = { id, workspaceId, conversationId: conversationId ?? '' };
    return (await database.invocation.findFirst({ where, select: { id: true } })) !== null;
  }
}

/** A request without an id in its path may still be about the one conversation. */
function assertNamed(principal: Reach, inBody: string | undefined, inQuery: string | undefined): void {
  if (inBody !== undefined && !reachesConversation(principal, inBody)) throw conversationNotFound(inBody);
  if (inBody === undefined && (inQuery === undefined || !reachesConversation(principal, inQuery))) throw limited();
}

function assertAgent({ names }: Pick<Route, 'names'>, principal: Reach, { params, body }: NamedInRequest): void {
  const id = names === 'agent' ? params?.id : body?.agentId;
  if (id !== undefined && !reachesAgent(principal, id)) throw agentNotFound(id);
}

function limited(): AppError {
  return new AppError('scope_missing', 'This token is for one conversation');
}
