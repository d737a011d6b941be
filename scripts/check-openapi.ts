import { createConfig, formatProblems, getTotals, lintFromString } from '@redocly/openapi-core';
import { createDocsRoutes } from '../services/api/src/docs/docs-routes.ts';
import { toOpenApi } from '../services/api/src/docs/to-open-api.ts';
import { createRoutes, type RouteParts } from '../services/api/src/routes/create-routes.ts';

/** Lints the OpenAPI document that the API serves at /api/openapi.json, by Redocly's recommended rules. */
const routes = createRoutes({ apiMetrics: {}, access: {} } as RouteParts);
const source = JSON.stringify(toOpenApi([...routes, ...createDocsRoutes(routes)]), null, 2);
const config = await createConfig({
  extends: ['recommended-strict'],
  rules: { 'operation-4xx-response': 'off' }, // a public document has none
});
const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config });
const totals = getTotals(problems);
if (problems.length > 0) formatProblems(problems, { totals, format: 'stylish' });
process.exitCode = totals.errors + totals.warnings > 0 ? 1 : 0;
