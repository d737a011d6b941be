import type { NextFunction, Request, Response } from 'express';

const allowedMethods = 'GET, POST, PATCH, DELETE';
/** What pages may send and read: docs/protocol.md has both lists, and a test compares them. */
const allowedHeaders =
  'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Nexus-Workspace, X-Request-Id, traceparent, tracestate';
const exposedHeaders = 'Allow, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id';

/** Lets browsers of the configured origins call; others get no header and are stopped by the browser itself. */
export function cors(origins: string[]) {
  const allowed = new Set(origins);
  return (request: Request, response: Response, next: NextFunction): void => {
    const origin = request.get('origin');
    response.vary('Origin');
    const known = origin !== undefined && allowed.has(origin);
    if (!known) {
      next();
      return;
    }
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', exposedHeaders);
    if (request.method !== 'OPTIONS') {
      next();
      return;
    }
    response.setHeader('access-control-allow-methods', allowedMethods);
    response.setHeader('access-control-allow-headers', allowedHeaders);
    response.status(204).end();
  };
}
