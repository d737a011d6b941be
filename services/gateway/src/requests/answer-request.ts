import { AppError, toAppError } from '@nexus/common/errors/app-error';
import { toFieldErrors } from '@nexus/common/errors/to-field-errors';
import type { Logger } from '@nexus/common/logging/create-logger';
import { fromDatabaseError } from '@nexus/common/postgres/database-error';
import { errorMeanings } from '@nexus/protocol/error-codes';
import type { Acknowledgement, SocketError } from '@nexus/protocol/socket-events';
import type { z } from 'zod';

/** Called on the socket that asks. Resolves when it is done with the request, and never rejects. */
export type Answerer<Asker> = (this: Asker, request: unknown, acknowledge?: Acknowledgement<unknown>) => Promise<void>;

/**
 * A handler of a socket message: parses what came, answers with what `handle` gives or with why not. Whatever a client sends, with or
 * without an acknowledgement to call, nothing is thrown. `afterwards` runs right after the answer was sent. One handler serves all sockets: it is
 * called on the one that asks.
 */
export function answerRequest<Asker, S extends z.ZodType, T>(
  schema: S,
  logger: Pick<Logger, 'error'>,
  handle: (socket: Asker, request: z.output<S>) => Promise<{ data: T; afterwards?: () => void }>,
): Answerer<Asker> {
  return function (request, acknowledge) {
    return Promise.resolve()
      .then(() => handle(this, parseRequest(schema, request)))
      .then(
        ({ data, afterwards }) => {
          acknowledge?.({ data });
          afterwards?.();
        },
        (caught: unknown) => {
          const error = toSocketError(caught, logger); // logged also where nobody waits for the answer
          acknowledge?.({ error });
        },
      )
      .catch((error: unknown) => logger.error({ error }, 'a socket request failed after its answer'));
  };
}

function parseRequest<S extends z.ZodType>(schema: S, request: unknown): z.output<S> {
  const result = schema.safeParse(request);
  if (result.success) return result.data;
  const fields = toFieldErrors(result.error, request, 'request');
  const named = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new AppError('invalid_request', named, { fields });
}

export function toSocketError(caught: unknown, logger: Pick<Logger, 'error'>): SocketError {
  const error = toAppError(fromDatabaseError(caught));
  const { exposed, title, status } = errorMeanings[error.code];
  const leaving = error.code === 'service_stopping'; // this process, or the socket
  if (status >= 500 && !leaving) logger.error({ error, code: error.code }, 'socket request failed');
  return {
    code: error.code,
    message: exposed ? error.message : title,
    ...(error.fields.length > 0 ? { fields: error.fields } : {}),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}
