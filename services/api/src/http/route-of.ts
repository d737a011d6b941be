import type { NextFunction, Request, Response } from 'express';

/** Notes where the routes that follow are mounted: Express forgets it on the way out of a router, which an error takes. */
export function noteMount(request: Request, response: Response, next: NextFunction): void {
  response.locals.mountedAt = request.baseUrl;
  next();
}

/** The path of the route that a request met, as it was declared; null when it met none. */
export function routeOf({ route }: Request, { locals }: Response): string | null {
  if (!route) return null;
  const { path } = route as { path: string };
  return `${locals.mountedAt ?? ''}${path === '/' ? '' : path}`;
}
