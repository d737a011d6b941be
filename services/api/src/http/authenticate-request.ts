import { AppError, toAppError } from '@nexus/common/errors/app-error';
import type { Authenticated, Authenticator } from '@nexus/common/principals/create-authenticator';
import type { Principal } from '@nexus/common/principals/principal';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { NextFunction, Request, Response } from 'express';
import { z } from 'zod';

/** The cookie that holds a session's token. */
export const sessionCookie = 'nexus_session';

/** An operator acts in the workspace that this names. */
const workspaceHeader = 'nexus-workspace';

/** What a route that asks for no scope does not mind. */
const refusals = new Set<ErrorCode>(['unauthorized', 'scope_missing', 'invalid_request', 'workspace_not_found']);

type Locals = { authenticated?: Authenticated; refusal?: AppError };

/**
 * Finds out on whose behalf a request is made. A request without a good token goes on: a route that asks for a scope refuses it then,
 * and one that does not serves it.
 */
export function authenticateRequest(authenticator: Authenticator, assertWorkspace: (id: string) => Promise<void>) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const locals = response.locals as Locals;
    try {
      const bearer = bearerOf(request);
      const token = bearer ?? cookieOf(request);
      const authenticated = await authenticator.authenticate(token, bearer === null ? 'cookie' : 'caller');
      const principal = inWorkspace(request, authenticated.principal);
      if (principal !== authenticated.principal) await assertWorkspace(principal.workspaceId);
      locals.authenticated = { ...authenticated, principal };
    } catch (error) {
      const refusal = toAppError(error);
      if (!refusals.has(refusal.code)) return next(error);
      locals.refusal = refusal;
    }
    next();
  };
}

/** Throws why there is none. */
export function authenticatedOf(response: Response): Authenticated {
  const { authenticated, refusal } = response.locals as Locals;
  if (authenticated) return authenticated;
  response.setHeader('www-authenticate', 'Bearer realm="Agent Nexus"');
  throw refusal ?? new AppError('unauthorized');
}

export function principalOf(response: Response): Principal {
  return authenticatedOf(response).principal;
}

function bearerOf(request: Request): string | null {
  const [, token] = /^Bearer +(\S+) *$/i.exec(request.get('authorization') ?? '') ?? [];
  return token ?? null;
}

function cookieOf(request: Request): string | null {
  for (const pair of (request.get('cookie') ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === sessionCookie && value) return value;
  }
  return null;
}

function inWorkspace(request: Request, principal: Principal): Principal {
  const named = request.get(workspaceHeader);
  if (named === undefined) return principal;
  const workspaceId = z.uuid().toLowerCase().safeParse(named).data;
  if (workspaceId === undefined) {
    const message = 'expected the id of a workspace';
    throw new AppError('invalid_request', `Nexus-Workspace: ${message}`, {
      fields: [{ field: 'Nexus-Workspace', message }],
    });
  }
  if (workspaceId === principal.workspaceId) return principal;
  if (!principal.scopes.includes('operator'))
    throw new AppError(
      'scope_missing',
      'Nexus-Workspace: only a key with the scope operator acts in another workspace',
    );
  return { ...principal, workspaceId };
}
