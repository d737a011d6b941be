import { AppError } from '@nexus/common/errors/app-error';
import type { NextFunction, Request, Response } from 'express';

export function notFound(request: Request, _response: Response, next: NextFunction): void {
  next(
    new AppError(
      'not_found',
      `There is nothing at ${request.path}: all there is begins with /api (docs/protocol.md), but for /livez, /readyz and /metrics`,
    ),
  );
}

/** For a path that is known: tells which methods it takes. */
export function allowOnly(...methods: string[]) {
  return (request: Request, response: Response, next: NextFunction): void => {
    response.setHeader('allow', methods.join(', '));
    next(new AppError('method_not_allowed', `${request.method}: expected ${methods.join(' or ')}`));
  };
}
