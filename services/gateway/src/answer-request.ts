import { AppError, toAppError } from '@nexus/common/app-error';
import type { Logger } from '@nexus/common/create-logger';
import { fromDatabaseError } from '@nexus/common/database-error';
import { errorMeanings } from '@nexus/common/error-codes';
import type { Acknowledgement, SocketError } from '@nexus/common/socket-events';
import { toFieldErrors } from '@nexus/common/to-field-errors';
import { z } from 'zod';

/** Called on the socket that asks. */
type Answerer<Asker> = (this: Asker, request: unknown, acknowledge: unknown) => void;

/**
 * A listener for `onAny` that answers a socket's requests by their names; one serves all sockets. Whoever asks for something else, or
 * sends nothing but an acknowledgement, is told what was expected.
 */
export function answerRequests<Asker>(
  answerers: Record<string, Answerer<Asker>>,
  logger: Pick<Logger, 'error'>,
): (this: Asker, name: string, ...args: unknown[]) => void {
  const known = new Map(Object.entries(answerers));
  const message = `expected one of ${[...known.keys()].join(', ')}`;
  const answerUnknown = answerRequest(z.unknown(), logger, async (_: Asker) => {
    throw new AppError('invalid_request', `event: ${message}`, { fields: [{ field: 'event', message }] });
  });
  return function (name, ...args) {
    const acknowledge = typeof args.at(-1) === 'function' ? args.pop() : undefined;
    (known.get(name) ?? answerUnknown).call(this, args[0], acknowledge);
  };
}

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
    const reply: Acknowledgement<T> =
      typeof acknowledge === 'function' ? (acknowledge as Acknowledgement<T>) : () => {};
    Promise.resolve()
      .then(() => handle(this, parseRequest(schema, request)))
      .then(
        ({ data, afterwards }) => {
          reply({ data });
          afterwards?.();
        },
        (error: unknown) => reply({ error: toSocketError(error, logger) }),
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
  if (status >= 500) logger.error({ error, code: error.code }, 'socket request failed');
  return {
    code: error.code,
    message: exposed ? error.message : title,
    ...(error.fields.length > 0 ? { fields: error.fields } : {}),
  };
}
