import { AppError } from '@nexus/common/errors/app-error';
import express, { type NextFunction, type Request, type Response } from 'express';

/** Bytes. The longest message, each character escaped, fits; nothing legitimate is larger. */
export const bodyLimit = 1_048_576;

const parse = express.json({ limit: bodyLimit, strict: false, inflate: true });

/** Reads a JSON body, or none. Any other body is an error that says what was expected. */
export function readJsonBody(request: Request, response: Response, next: NextFunction): void {
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (hasBody && !request.is('application/json')) {
    next(new AppError('unsupported_media_type', 'Content-Type: expected application/json'));
    return;
  }
  parse(request, response, (error?: unknown) =>
    next(error === undefined ? tooDeep(request.body) : fromParserError(error)),
  );
}

type ParserError = { type?: string; status?: number };

function fromParserError(error: unknown): unknown {
  const { type, status } = error as ParserError;
  if (type === 'entity.too.large')
    return new AppError('payload_too_large', `The body has more than ${bodyLimit} bytes`);
  if (type === 'entity.parse.failed') return new AppError('malformed_json', 'The body is not valid JSON');
  if (status === 415) return new AppError('unsupported_media_type', 'The body has an encoding that is not supported');
  if (status === 400) return new AppError('malformed_json', 'The body ended early or has the wrong length');
  return error;
}

/** Deeper than any valid request, and far below the depth at which recursion overflows the stack. */
const maxLevels = 64;

function tooDeep(body: unknown): AppError | undefined {
  let level: unknown[] = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxLevels) return new AppError('malformed_json', `The body is nested deeper than ${maxLevels} levels`);
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return undefined;
}
