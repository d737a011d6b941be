import type { NextFunction, Request, Response } from 'express';

/** What is answered belongs to the one who asked: no browser and no proxy keeps it, unless its route says otherwise. */
export function keepNothing(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader('cache-control', 'no-store');
  next();
}
