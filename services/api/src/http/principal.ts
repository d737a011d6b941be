import { openPrincipal } from '@nexus/common/principals/open-principal';
import type { Principal } from '@nexus/common/principals/principal';
import type { NextFunction, Request, Response } from 'express';

type Locals = { principal: Principal };

/** Without keys everybody is the default workspace. */
export function setPrincipal(_request: Request, response: Response, next: NextFunction): void {
  (response.locals as Locals).principal = openPrincipal;
  next();
}

export function principalOf(response: Response): Principal {
  return (response.locals as Locals).principal;
}
