import { AppError, toAppError } from '@nexus/common/errors/app-error';
import { toProblem } from '@nexus/common/errors/to-problem';
import type { Logger } from '@nexus/common/logging/create-logger';
import { fromDatabaseError } from '@nexus/common/postgres/database-error';
import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import type { NextFunction, Request, Response } from 'express';
import { type Protocol, protocolAt, type Refusal } from '../protocols/protocol.ts';

/** Seconds after which a client may try again what failed because something of ours was away, or taken. */
const retryAfterSeconds = 1;

/** Every failure as application/problem+json (RFC 9457), or as the protocol has it that the path belongs to; logged once where it is ours. */
export function createErrorHandler(logger: Logger, protocols: Protocol[]) {
  return (caught: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const error = toAppError(fromHttpError(fromDatabaseError(caught)));
    const meaning = errorMeanings[error.code];
    const requestId: unknown = response.locals.requestId;
    response.locals.errorCode = error.code;
    if (meaning.status >= 500) logger.error({ error, requestId, code: error.code }, 'request failed');
    if (response.headersSent) return void response.destroy();
    const waitSeconds = secondsToWait(error);
    if (waitSeconds !== null) response.setHeader('retry-after', String(waitSeconds));
    const protocol = protocolAt(protocols, request.path);
    if (protocol) return void sendRefusal(response, protocol.toError(error, `${request.method} ${request.path}`));
    response
      .status(meaning.status)
      .type('application/problem+json')
      .send(
        JSON.stringify({
          ...toProblem(error, request.path),
          requestId,
          ...(error.fields.length > 0 ? { errors: error.fields } : {}),
        }),
      );
  };
}

/** null: to ask again would not help, or is no matter of time. */
function secondsToWait({ code, retryAfterMs }: AppError): number | null {
  if (retryAfterMs !== undefined) return Math.max(1, Math.ceil(retryAfterMs / 1_000));
  const { status, retryable } = errorMeanings[code];
  return (status === 503 && retryable) || code === 'too_many_streams' ? retryAfterSeconds : null;
}

function sendRefusal(response: Response, { status, headers = {}, body }: Refusal): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.status(status).json(body);
}

/** The code that the request was answered with, if it failed. */
export function errorCodeOf(response: Response): ErrorCode | undefined {
  return response.locals.errorCode as ErrorCode | undefined;
}

/** Express itself refuses a path that cannot be decoded, as a plain error with a status. */
function fromHttpError(error: unknown): unknown {
  const { status } = (error ?? {}) as { status?: unknown };
  if (error instanceof AppError || typeof status !== 'number' || status >= 500) return error;
  return new AppError('not_found', 'The address cannot be read', { cause: error });
}
