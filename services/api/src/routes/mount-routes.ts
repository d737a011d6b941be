import { toCallerAddress } from '@nexus/common/limits/caller-address';
import type { Limits } from '@nexus/common/limits/open-limits';
import type { Authenticator } from '@nexus/common/principals/create-authenticator';
import type { Principal } from '@nexus/common/principals/principal';
import type { Express, NextFunction, Request, Response } from 'express';
import { authenticatedOf, principalOf } from '../http/authenticate-request.ts';
import { readJsonBody } from '../http/json-body.ts';
import { allowOnly } from '../http/not-found.ts';
import { parseInput } from '../http/parse-input.ts';
import { sendJson } from '../http/send-json.ts';
import type { AssertReach, NamedInRequest } from './assert-reach.ts';
import { assertScope } from './assert-scope.ts';
import type { Asked, Route } from './route.ts';

export type MountParts = {
  authenticator: Pick<Authenticator, 'watch'>;
  limits: Pick<Limits, 'openPerKey' | 'openPerAddress'>;
  assertReach: AssertReach;
};

/** Serves the table. A path that is in it answers other methods with 405 and those that it takes. */
export function mountRoutes(app: Express, routes: Route[], parts: MountParts): void {
  for (const [path, ofPath] of Map.groupBy(routes, ({ path }) => path)) {
    const served = app.route(path);
    for (const route of ofPath)
      served[route.method](refuseStrangers(route), readJsonBody, (request: Request, response: Response) =>
        answer(route, request, response, parts),
      );
    served.all(allowOnly(...ofPath.map(({ method }) => method.toUpperCase())));
  }
}

async function answer(route: Route, request: Request, response: Response, parts: MountParts): Promise<void> {
  const principal = route.scope === null ? null : admit(route, { request, response }, parts);
  const parsed = parseAll(route, request);
  const isLimited = principal !== null && (principal.agentIds !== null || principal.conversationId !== null);
  if (isLimited) await parts.assertReach(route, principal, parsed as NamedInRequest);
  const asked = { principal, ...parsed };
  const reply = await route.handle(asked as Asked<never, never, never, never>, { request, response });
  if (reply === null || response.destroyed) return;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.status(reply.status);
  if (reply.body === undefined) response.end();
  else await sendJson(request, response, reply.body, reply.hasSecret ?? false);
}

/** Before the body is read: nobody makes us read a megabyte for a 401. */
function refuseStrangers({ scope }: Route) {
  return (_request: Request, response: Response, next: NextFunction): void => {
    if (scope !== null) assertScope(principalOf(response), scope);
    next();
  };
}

/** An answer that may take long has a place among those of its caller, and is cut when the key or token that it was asked for with ends. */
function admit(
  { lasts }: Route,
  { request, response }: { request: Request; response: Response },
  { authenticator, limits }: MountParts,
): Principal {
  const authenticated = authenticatedOf(response);
  const { principal } = authenticated;
  if (!lasts || response.destroyed) return principal;
  const { keyId } = principal;
  const release =
    keyId === null ? limits.openPerAddress?.hold(toCallerAddress(request.ip)) : limits.openPerKey?.hold(keyId);
  const stopWatching = authenticator.watch(authenticated, () => response.destroy());
  response.once('close', () => {
    release?.();
    stopWatching();
  });
  return principal;
}

function parseAll({ params, query, headers, body }: Route, request: Request) {
  return {
    params: params && parseInput(params, request.params, 'path'),
    query: query && parseInput(query, request.query, 'query'),
    headers: headers && parseInput(headers, namedHeaders(headers, request), 'headers'),
    body: body && parseInput(body, request.body),
  };
}

/** Only the headers that the schema names, under its spelling of them. */
function namedHeaders(schema: NonNullable<Route['headers']>, request: Request): Record<string, string | undefined> {
  const { shape } = schema as unknown as { shape: Record<string, unknown> };
  return Object.fromEntries(Object.keys(shape).map((name) => [name, request.get(name)]));
}
