import type { Logger } from '@nexus/common/logging/create-logger';
import { newId } from '@nexus/common/postgres/new-id';
import { hideTokens } from '@nexus/common/principals/key-token';
import type { NextFunction, Request, Response } from 'express';
import type { ApiMetrics } from '../api-metrics.ts';
import { routeOf } from './route-of.ts';

const acceptableId = /^[\w.:-]{1,128}$/;

/** A token that came here by mistake would be in every log. */
const isAcceptable = (given: string) => acceptableId.test(given) && hideTokens(given) === given;

/** Gives each request an id (the caller's, where it is decent), and logs how it went: no bodies, no queries. */
export function createRequestLog(logger: Logger, metrics: Pick<ApiMetrics, 'answered'>) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const given = request.get('x-request-id');
    const requestId = given !== undefined && isAcceptable(given) ? given : newId();
    const startedAt = performance.now();
    response.locals.requestId = requestId;
    response.setHeader('x-request-id', requestId);
    response.once('close', () => {
      const ms = performance.now() - startedAt;
      const route = routeOf(request, response) ?? 'none';
      const status = response.statusCode;
      metrics.answered({ method: request.method, route, status, seconds: ms / 1_000 });
      logger.info({ requestId, method: request.method, route, status, ms: Math.round(ms) }, 'request');
    });
    next();
  };
}
