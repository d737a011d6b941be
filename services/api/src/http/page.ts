import { AppError } from '@nexus/common/errors/app-error';
import type { Request, Response } from 'express';
import { z } from 'zod';

const standardLimit = 20;
const mostLimit = 100;

/** Query fields of every list. */
export const pageFields = {
  limit: z.coerce.number().int().min(1).max(mostLimit).default(standardLimit),
  cursor: z.string().max(200).optional(),
};

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A cursor is the id of the last row of a page, not to be understood by clients. */
export function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const id = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!idPattern.test(id))
    throw new AppError('invalid_cursor', 'cursor: expected one from a Link header', {
      fields: [{ field: 'cursor', message: 'expected one from a Link header' }],
    });
  return id;
}

/** Sends a page as an array, with a Link to the next (RFC 8288) where there is one. `rows` has one row more than the limit then. */
export function sendPage<T extends { id: string }>(
  request: Request,
  response: Response,
  rows: T[],
  limit: number,
  body: unknown[] = rows,
): void {
  const last = rows[limit - 1];
  if (rows.length > limit && last) {
    const path = `${request.baseUrl}${request.path === '/' ? '' : request.path}`;
    const query = new URLSearchParams(request.query as Record<string, string>); // each once: a list's query has been parsed
    query.set('cursor', Buffer.from(last.id, 'latin1').toString('base64url'));
    response.setHeader('link', `<${path}?${query}>; rel="next"`);
  }
  response.json(body.slice(0, limit));
}
