import { createDocsRoutes } from '../../services/api/src/docs/docs-routes.ts';
import { createRoutes, type RouteParts } from '../../services/api/src/routes/create-routes.ts';
import type { Route } from '../../services/api/src/routes/route.ts';

const routes = createRoutes({ apiMetrics: {}, access: {} } as RouteParts);

/** The route table, without anything behind it. */
export const routeTable: Route[] = [...routes, ...createDocsRoutes(routes)];

const patterns = routeTable.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/:\w+/g, '[^/]+')}$`),
}));

/** Throws where a good answer is not one that the route table declares. */
export function assertDeclared(method: string, path: string, status: number, contentType: string, body: unknown): void {
  if (status >= 400) return;
  const pathname = path.split('?')[0] ?? '';
  const route = patterns.find(
    ({ route, pattern }) => route.method === method.toLowerCase() && pattern.test(pathname),
  )?.route;
  if (!route) return;
  const what = `${method} ${route.path} ${status}`;
  const declared = route.replies[status];
  if (!declared) throw new Error(`${what}: the route table does not declare this status`);
  if (!contentType.startsWith('application/json')) return;
  const parsed = declared.schema?.safeParse(body);
  if (!parsed?.success) throw new Error(`${what}: not as declared: ${parsed?.error.message ?? 'no body is declared'}`);
}
