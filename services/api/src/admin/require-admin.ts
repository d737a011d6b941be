import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '@nexus/common/errors/app-error';
import type { NextFunction, Request, Response } from 'express';

const user = 'admin';

/** Basic authentication (RFC 7617) with one account, for pages that browsers open by themselves. */
export function requireAdmin(password: string) {
  const expected = digest(`${user}:${password}`);
  return (request: Request, response: Response, next: NextFunction): void => {
    const [scheme = '', credentials = ''] = (request.get('authorization') ?? '').split(' ');
    const given = digest(Buffer.from(credentials, 'base64').toString('utf8'));
    if (scheme.toLowerCase() === 'basic' && timingSafeEqual(given, expected)) {
      next();
      return;
    }
    response.setHeader('www-authenticate', 'Basic realm="Agent Nexus", charset="UTF-8"');
    next(new AppError('unauthorized', `The user is ${user}, the password is the value of ADMIN_PASSWORD`));
  };
}

/** timingSafeEqual needs two values of one length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
