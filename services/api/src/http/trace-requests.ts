import type { Span, Tracer } from '@nexus/common/tracing/tracer';
import { errorMeanings } from '@nexus/protocol/error-codes';
import type { NextFunction, Request, Response } from 'express';
import { errorCodeOf } from './error-handler.ts';
import { routeOf } from './route-of.ts';

/**
 * A server span for each request, continuing the trace of a caller that sent a `traceparent`. Comes before whatever logs. The
 * body's end and the connection's close are told from elsewhere: without binding, what they lead to would belong to no span.
 */
export function traceRequests(tracer: Tracer) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const span = tracer.start({
      kind: 'server',
      name: request.method,
      parent: request.get('traceparent') ?? null,
      attributes: {
        'http.request.method': request.method,
        'url.path': request.path,
        'url.scheme': request.protocol,
      },
    });
    tracer.bind(span, request);
    tracer.bind(span, response);
    response.once('close', () => finish(span, request, response));
    tracer.within(span, next);
  };
}

function finish(span: Span, request: Request, response: Response): void {
  const route = routeOf(request, response);
  if (route !== null) {
    span.rename(`${request.method} ${route}`);
    span.set({ 'http.route': route });
  }
  const errorCode = errorCodeOf(response);
  span.set({
    'http.response.status_code': response.statusCode,
    'nexus.request.id': response.locals.requestId as string,
    'nexus.error.code': errorCode,
  });
  // A refused request is the client's failure, not the server's.
  if (errorCode && errorMeanings[errorCode].status >= 500) span.fail(errorCode);
  span.end();
}
