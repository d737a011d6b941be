import { AppError } from '@nexus/common/errors/app-error';
import type { NextFunction, Request, Response } from 'express';

export function notFound(request: Request, _response: Response, next: NextFunction): void {
  next(
    new AppError(
      'not_found',
      `There is nothing at ${request.path}: expected /docs, a path below /api or /v1, /livez, /readyz or /metrics`,
    ),
  );
}

/** For a path that exists: refuses other methods, and names these. */
export function allowOnly(...methods: string[]) {
  return (request: Request, response: Response, next: NextFunction): void => {
    response.setHeader('allow', methods.join(', '));
    next(new AppError('method_not_allowed', `${request.method}: expected ${methods.join(' or ')}`));
  };
}
