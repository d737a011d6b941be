import { AppError } from '@nexus/common/errors/app-error';
import type { NextFunction, Request, Response } from 'express';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what a page of another origin sends to change something, with or without a cookie: a browser sends cookies, and reaches loopback,
 * for every page. What is no browser names no origin.
 */
export function requireOrigin(origins: string[]) {
  const allowed = new Set(origins);
  return (request: Request, _response: Response, next: NextFunction): void => {
    const origin = request.get('origin');
    const isFine =
      safeMethods.has(request.method) || origin === undefined || allowed.has(origin) || origin === ownOrigin(request);
    const message = 'Origin: expected the address of this service, or one of CORS_ORIGINS';
    next(isFine ? undefined : new AppError('origin_not_allowed', message));
  };
}

/** What a browser sees as the address of this service: by X-Forwarded-Host and -Proto where a trusted proxy says so. */
function ownOrigin(request: Request): string {
  return `${request.protocol}://${request.host}`;
}
