import { createHostCheck, hostNotAllowed } from '@nexus/common/config/allowed-hosts';
import { AppError } from '@nexus/common/errors/app-error';
import type { NextFunction, Request, Response } from 'express';

/** Refuses what was sent to a name that is not the API's own. */
export function requireHost(allowedHosts: string[]) {
  const isAllowed = createHostCheck(allowedHosts);
  return (request: Request, _response: Response, next: NextFunction): void => {
    next(isAllowed(request.headers.host) ? undefined : new AppError('host_not_allowed', hostNotAllowed));
  };
}
