import { AppError, toAppError } from '@nexus/common/errors/app-error';
import { toFieldErrors } from '@nexus/common/errors/to-field-errors';
import type { Logger } from '@nexus/common/logging/create-logger';
import { fromDatabaseError } from '@nexus/common/postgres/database-error';
import { errorMeanings } from '@nexus/protocol/error-codes';
import type { Acknowledgement, SocketError } from '@nexus/protocol/socket-events';
import type { z } from 'zod';

/** `this` is the socket that asks. Resolves when the request is done, and never rejects. */
export type Answerer<Asker> = (this: Asker, request: unknown, acknowledge?: Acknowledgement<unknown>) => Promise<void>;

/**
 * A handler of a socket message. It parses the request and acknowledges it with the result of `handle` or with an error. It never throws, whatever
 * the client sends, also without an acknowledgement. `afterwards` runs directly after the answer was sent. One handler serves all sockets.
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
          const error = toSocketError(caught, logger); // logs the error, also if the client asked for no acknowledgement
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
  const leaving = error.code === 'service_stopping'; // the process stops, or the socket has closed
  if (status >= 500 && !leaving) logger.error({ error, code: error.code }, 'socket request failed');
  return {
    code: error.code,
    message: exposed ? error.message : title,
    ...(error.fields.length > 0 ? { fields: error.fields } : {}),
  };
}
