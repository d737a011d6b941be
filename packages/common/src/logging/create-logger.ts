import { type EventEmitter, once } from 'node:events';
import { type Logger, type LoggerOptions, pino } from 'pino';
import { AppError } from '../errors/app-error.ts';
import { atMost } from '../timing/at-most.ts';
import { redact } from './redact.ts';

export type { Logger };

/** A structured logger. Its lines have ids, never prompts, answers or keys. As a second defence it redacts fields with such names. */
export function createLogger(
  service: string,
  options: { level: string; format: 'json' | 'pretty'; mixin?: () => Record<string, string> },
): Logger {
  const settings: LoggerOptions = {
    name: service,
    level: options.level,
    ...(options.mixin ? { mixin: options.mixin } : {}),
    formatters: { log: redact },
    serializers: { error: serializeError, err: serializeError },
  };
  if (options.format === 'json') return pino(settings);
  return pino({
    ...settings,
    transport: {
      target: 'pino-pretty',
      options: {
        ignore: 'pid,hostname,name',
        translateTime: 'SYS:HH:MM:ss.l',
        singleLine: true,
        colorize: false,
        sync: true,
      },
    },
  });
}

/** Milliseconds. */
const closeLimitMs = 500;

type Destination = EventEmitter & { end(): void; destroy?(): void };

/**
 * Writes the rest of the log at the end of a process, and accepts no more lines. pino does the same at exit, but tries for ever if the reader of the
 * log is gone. This gives up after the limit. A thread writes the pretty format, and may take 10 s.
 */
export async function closeLog(logger: Logger): Promise<void> {
  logger.level = 'silent'; // a closed log throws if a line is still written to it
  const destination = (logger as unknown as Record<symbol, Destination>)[pino.symbols.streamSym];
  if (!destination) return;
  const closed = once(destination, 'close');
  destination.end();
  await atMost(closeLimitMs, closed, undefined).catch(() => {});
  destination.destroy?.();
}

function serializeError(error: unknown): unknown {
  return redact(describeError(error));
}

/** A longer chain of causes adds nothing, or is a circle. */
const maxCauses = 5;

function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const cause =
    error.cause === undefined || depth === maxCauses ? {} : { cause: describeError(error.cause, depth + 1) };
  if (error instanceof AppError) return { type: 'AppError', code: error.code, detail: error.message, ...cause };
  const several =
    error instanceof AggregateError ? { errors: error.errors.map((each) => describeError(each, maxCauses)) } : {};
  return { ...knownFields(error), type: error.constructor.name, ...wordsOf(error), ...several, ...cause };
}

/**
 * Which fields of foreign errors are logged. The others may hold whole connections, or what was asked and answered: Postgres's `detail` quotes
 * the row that it refuses.
 */
const knownNames =
  'code,errno,syscall,address,port,hostname,severity,schema,table,column,constraint,routine,status,kind,clientVersion'.split(
    ',',
  );

function knownFields(error: Error): object {
  const fields = error as unknown as Record<string, unknown>;
  return Object.fromEntries(
    knownNames.flatMap((name) => {
      const value = fields[name];
      return typeof value === 'string' || typeof value === 'number' ? [[name, value]] : [];
    }),
  );
}

/** Postgres's class of errors about values, whose messages quote the value. */
const aboutValues = /^22/;

/** The message, without a value in quotes; and where it was thrown, without the message that a stack begins with. */
function wordsOf(error: Error): { message: string; stack: string } {
  const { code } = error as { code?: unknown };
  const quotesValue = typeof code === 'string' && aboutValues.test(code);
  const message = quotesValue ? error.message.replace(/".*"?/s, '"…"') : error.message;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { message, stack: frames.join('\n') };
}
