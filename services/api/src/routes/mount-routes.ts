import type { Express, Request, Response } from 'express';
import { allowOnly } from '../http/not-found.ts';
import { parseInput } from '../http/parse-input.ts';
import { principalOf } from '../http/principal.ts';
import { assertScope } from './assert-scope.ts';
import type { Asked, Route } from './route.ts';

/** Serves the table. A path that is in it answers other methods with 405 and those that it takes. */
export function mountRoutes(app: Express, routes: Route[]): void {
  for (const [path, ofPath] of Map.groupBy(routes, ({ path }) => path)) {
    const served = app.route(path);
    for (const route of ofPath) served[route.method]((request, response) => answer(route, request, response));
    served.all(allowOnly(...ofPath.map(({ method }) => method.toUpperCase())));
  }
}

async function answer(route: Route, request: Request, response: Response): Promise<void> {
  const principal = principalOf(response);
  if (route.scope !== null) assertScope(principal, route.scope);
  const asked = { principal, ...parseAll(route, request) };
  const reply = await route.handle(asked as Asked<never, never, never, never>, { request, response });
  if (reply === null || response.destroyed) return;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.status(reply.status);
  if (reply.body === undefined) response.end();
  else response.json(reply.body);
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
