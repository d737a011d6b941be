import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Response } from 'express';
import { z } from 'zod';
import { defineRoute, type Route } from '../routes/route.ts';
import { toOpenApi } from './to-open-api.ts';

const tag = 'Documents';
const assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

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
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <main id="api"></main>
    <script src="/docs/swagger-ui-bundle.js"></script>
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

/** The OpenAPI document of the table, and a page that shows it. */
export function createDocsRoutes(routes: Route[]): Route[] {
  const all: Route[] = [];
  let document: ReturnType<typeof toOpenApi> | undefined;
  const send = (response: Response, type: string, body: string | Buffer) => {
    response.setHeader('content-security-policy', policy);
    response.setHeader('cache-control', 'no-cache');
    response.type(type).send(body);
    return Promise.resolve(null);
  };
  all.push(
    defineRoute({
      method: 'get',
      path: '/api/openapi.json',
      tag,
      summary: 'This document',
      scope: null,
      replies: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
      examples: [{ name: 'the document', status: 200 }],
      async handle() {
        document ??= toOpenApi([...routes, ...all]);
        return { status: 200, body: document };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/docs',
      tag,
      summary: 'This document as a page',
      scope: null,
      replies: { 200: { description: 'The page', others: { 'text/html': z.string() } } },
      examples: [{ name: 'the page', status: 200 }],
      handle: (_asked, { response }) => send(response, 'text/html', page),
    }),
    defineRoute({
      method: 'get',
      path: '/docs/:file',
      tag,
      summary: 'A file of the page',
      scope: null,
      params: z.object({ file: z.enum(['start.js', ...Object.keys(files)]) }),
      replies: { 200: { description: 'The file', others: { 'text/javascript': z.string() } } },
      examples: [{ name: 'its start', status: 200, params: { file: 'start.js' } }],
      handle: ({ params: { file } }, { response }) =>
        file === 'start.js'
          ? send(response, 'text/javascript', start)
          : send(response, files[file] ?? 'application/octet-stream', readFileSync(`${assets}/${file}`)),
    }),
  );
  return all;
}
