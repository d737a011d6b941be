import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { AppError } from '../errors/app-error.ts';
import { toProblem } from '../errors/to-problem.ts';
import { atMost } from '../timing/at-most.ts';

/** Each check resolves if its part works, and rejects with the reason if not. */
export type HealthChecks = Record<string, () => Promise<unknown>>;

const checkLimitMs = 1_500;

/**
 * Answers `/livez` (the event loop turns), `/readyz` (every check passes, or 503) and `/metrics`. Returns false for any other path, and then has
 * written nothing. `describe` adds fields to a ready answer.
 */
export function createHealthHandler(
  checks: HealthChecks,
  registry: Registry,
  describe: () => Promise<Record<string, unknown>> = async () => ({}),
): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/livez') sendJson(response, 200, { status: 'ok' });
    else if (path === '/readyz') void answerReady(checks, describe, response);
    else if (path === '/metrics') void answerMetrics(registry, response);
    else return false;
    return true;
  };
}

async function answerReady(
  checks: HealthChecks,
  describe: () => Promise<Record<string, unknown>>,
  response: ServerResponse,
): Promise<void> {
  const names = Object.keys(checks);
  const results = await Promise.all(names.map((name) => outcomeOf(checks[name])));
  const report = Object.fromEntries(names.map((name, index) => [name, results[index]]));
  const ready = results.every((result) => result === 'ok');
  sendJson(response, ready ? 200 : 503, {
    status: ready ? 'ok' : 'unavailable',
    checks: report,
    ...(ready ? await describe().catch(() => ({})) : {}),
  });
}

async function outcomeOf(check: (() => Promise<unknown>) | undefined): Promise<string> {
  const outcome = Promise.resolve(check?.()).then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.message : 'failed'),
  );
  return atMost(checkLimitMs, outcome, `no answer within ${checkLimitMs} ms`);
}

async function answerMetrics(registry: Registry, response: ServerResponse): Promise<void> {
  try {
    const text = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(text);
  } catch {
    sendJson(response, 500, { status: 'metrics failed' });
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown, contentType = 'application/json'): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(JSON.stringify(body));
}

/** Answers 404 as application/problem+json (RFC 9457). `others` are paths besides those of the health. */
export function answerNotFound(request: IncomingMessage, response: ServerResponse, others: string[] = []): void {
  const expected = [...others, '/livez', '/readyz', '/metrics'].join(', ');
  const instance = request.url?.split('?')[0];
  const error = new AppError('not_found', `There is nothing at ${instance}: expected one of ${expected}`);
  const problem = toProblem(error, instance);
  sendJson(response, problem.status, problem, 'application/problem+json');
}

/** A server of its own for a process that has no other HTTP. */
export function createHealthServer(checks: HealthChecks, registry: Registry): Server {
  const handle = createHealthHandler(checks, registry);
  return createServer((request, response) => {
    if (!handle(request, response)) answerNotFound(request, response);
  });
}

/** Listens and resolves with the port. If the port or host cannot be used, rejects with a message that names the variable. */
export function listen(server: Server, port: number, host: string, variable: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const problem = listenProblem(error, port, host, variable);
      reject(problem ? new AppError('configuration_invalid', problem, { cause: error }) : error);
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** A message that names the variable to change; null for an error that no setting causes. */
function listenProblem(
  { code = '' }: NodeJS.ErrnoException,
  port: number,
  host: string,
  variable: string,
): string | null {
  if (code === 'EADDRINUSE') return `port ${port} is in use on ${host}; set ${variable} to another port`;
  if (code === 'EACCES') return `this user may not use port ${port}; set ${variable} to a port above 1023`;
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'].includes(code))
    return `${variable.replace(/_PORT$/, '_HOST')}: is no name or address of this machine (${code})`;
  return null;
}
