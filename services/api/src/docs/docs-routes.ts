import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { createStaticAnswer, type StaticAnswer } from '../http/static-answer.ts';
import { defineRoute, type Route } from '../routes/route.ts';
import { toOpenApi } from './to-open-api.ts';

const tag = 'Documents';
const require = createRequire(import.meta.url);
const assets = dirname(require.resolve('swagger-ui-dist/package.json'));
const { version } = require('swagger-ui-dist/package.json') as { version: string };

/** What the page loads, from the package swagger-ui-dist: nothing comes from elsewhere. */
const files: Record<string, string> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Agent Nexus: the API</title>
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png?v=${version}" />
    <link rel="stylesheet" href="/docs/swagger-ui.css?v=${version}" />
  </head>
  <body>
    <main id="api"></main>
    <script src="/docs/swagger-ui-bundle.js?v=${version}"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** In a file of its own: the content security policy runs no script that stands in a page. */
const start = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null, queryConfigEnabled: false });
`;

/** Swagger UI puts style attributes into its page, and shows images that it holds as data. */
const policy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

const unchanged = { description: 'The client has it already, by its ETag' };
const inAYear = 'public, max-age=31536000, immutable';

/** The OpenAPI document of the table, and a page that shows it. */
export function createDocsRoutes(routes: Route[]): Route[] {
  const all: Route[] = [];
  const made = new Map<string, StaticAnswer>();

  /** Made when it is asked for the first time, and kept. */
  async function send(
    { request, response }: { request: Request; response: Response },
    name: string,
    make: () => StaticAnswer,
    cacheControl = 'no-cache',
  ): Promise<null> {
    const answer = made.get(name) ?? make();
    made.set(name, answer);
    response.setHeader('content-security-policy', policy);
    response.setHeader('cache-control', cacheControl);
    await answer.send(request, response);
    return null;
  }

  all.push(
    defineRoute({
      method: 'get',
      path: '/api/openapi.json',
      tag,
      summary: 'This document',
      scope: null,
      replies: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) }, 304: unchanged },
      examples: [{ name: 'the document', status: 200 }],
      handle: (_asked, http) =>
        send(http, 'openapi.json', () =>
          createStaticAnswer('application/json', JSON.stringify(toOpenApi([...routes, ...all]))),
        ),
    }),
    defineRoute({
      method: 'get',
      path: '/docs',
      tag,
      summary: 'This document as a page',
      scope: null,
      replies: { 200: { description: 'The page', others: { 'text/html': z.string() } }, 304: unchanged },
      examples: [{ name: 'the page', status: 200 }],
      handle: (_asked, http) => send(http, 'page', () => createStaticAnswer('text/html', page)),
    }),
    defineRoute({
      method: 'get',
      path: '/docs/:file',
      tag,
      summary: 'A file of the page',
      scope: null,
      params: z.object({ file: z.enum(['start.js', ...Object.keys(files)]) }),
      query: z.object({ v: z.string().optional().describe('With the version of the file it may be kept for a year') }),
      replies: { 200: { description: 'The file', others: { 'text/javascript': z.string() } }, 304: unchanged },
      examples: [{ name: 'its start', status: 200, params: { file: 'start.js' } }],
      handle: ({ params: { file }, query }, http) =>
        send(
          http,
          file,
          () => {
            if (file === 'start.js') return createStaticAnswer('text/javascript', start);
            return createStaticAnswer(files[file] ?? 'application/octet-stream', readFileSync(`${assets}/${file}`));
          },
          file !== 'start.js' && query.v === version ? inAYear : 'no-cache',
        ),
    }),
  );
  return all;
}
