import { AppError } from '@nexus/common/errors/app-error';
import type { Request } from 'express';
import { z } from 'zod';
import type { Reply } from '../routes/route.ts';

const standardLimit = 20;
const maxLimit = 100;

/** Query fields of every list. */
export const pageFields = {
  limit: z.coerce.number().int().min(1).max(maxLimit).default(standardLimit),
  cursor: z.string().max(200).optional().describe('From the Link header of the page before'),
};

const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A cursor is the id of the last row of a page; clients must not rely on that. */
export function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const id = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!idPattern.test(id))
    throw new AppError('invalid_cursor', 'cursor: expected one from a Link header', {
      fields: [{ field: 'cursor', message: 'expected one from a Link header' }],
    });
  return id;
}

/** A page as an array, with a Link to the next one (RFC 8288). `rows` has one row more than the limit where there is a next page. */
export function toPage<T extends { id: string }>(
  request: Request,
  rows: T[],
  limit: number,
  body: unknown[] = rows,
): Reply {
  const reply = { status: 200, body: body.slice(0, limit) };
  const last = rows[limit - 1];
  if (rows.length <= limit || !last) return reply;
  const query = new URLSearchParams(request.query as Record<string, string>); // each name once: the list's schema has parsed it
  query.set('cursor', Buffer.from(last.id, 'latin1').toString('base64url'));
  return { ...reply, headers: { link: `<${request.path}?${query}>; rel="next"` } };
}
