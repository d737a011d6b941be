import { defaultWorkspaceId } from '@nexus/common/invocations/default-workspace';
import type { NextFunction, Request, Response } from 'express';

/** On whose behalf a request is made. Every read and write goes through its workspace. */
export type Principal = { workspaceId: string };

type Locals = { principal: Principal };

/** Without keys everybody is the default workspace. */
export function setPrincipal(_request: Request, response: Response, next: NextFunction): void {
  (response.locals as Locals).principal = { workspaceId: defaultWorkspaceId };
  next();
}

export function principalOf(response: Response): Principal {
  return (response.locals as Locals).principal;
}
