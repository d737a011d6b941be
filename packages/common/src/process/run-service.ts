import { flushCompileCache } from 'node:module';
import { toAppError } from '../errors/app-error.ts';
import { closeLog, createLogger, type Logger } from '../logging/create-logger.ts';
import { openTracer, type TracingSettings } from '../tracing/open-tracer.ts';
import type { Tracer } from '../tracing/tracer.ts';
import { createShutdown, type Release } from './create-shutdown.ts';

type Basics = TracingSettings & { LOG_LEVEL: string; LOG_FORMAT: 'json' | 'pretty' };
type Parts<C> = { config: C; logger: Logger; tracer: Tracer | null; release: Release };

/** How long a stop waits for a start that is still running, so that it can also release what the start opens. */
const startLimitMs = 5_000;

/**
 * The life of a service process: config, tracer, logger, shutdown, then `open` (open, build, listen). SIGTERM and SIGINT run the
 * releases and exit 0, also during the start. A failed start logs the reason in one line, releases what it opened and exits 1. An
 * uncaught error is a bug: the process logs it, stops in order and exits 1.
 */
export async function runService<C extends Basics>(
  name: string,
  readConfig: () => C,
  open: (parts: Parts<C>) => Promise<void>,
): Promise<void> {
  let config: C;
  try {
    config = readConfig();
  } catch (error) {
    process.stderr.write(`${name}: ${toAppError(error).message}\n`);
    process.exit(1);
  }
  const traces = await openTracer(name, config, () => logger);
  const logger = createLogger(name, {
    level: config.LOG_LEVEL,
    format: config.LOG_FORMAT,
    ...(traces ? { mixin: traces.tracer.logFields } : {}),
  });
  const shutdown = createShutdown(logger);
  if (traces) shutdown.release('traces', traces.close);
  let exitCode = 0;
  let stopping = false;
  const started = Promise.withResolvers<void>();

  async function stop(why: string, code: number): Promise<void> {
    exitCode = Math.max(exitCode, code);
    if (stopping) return;
    stopping = true;
    logger.info({ why }, 'stopping');
    await Promise.race([started.promise, new Promise((resolve) => setTimeout(resolve, startLimitMs))]);
    await shutdown.run(code !== 0);
    await closeLog(logger);
    process.exit(exitCode);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal, 0));
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(fault, (error) => {
      logger.fatal({ error }, fault);
      void stop(fault, 1);
    });
  }

  try {
    await open({ config, logger, tracer: traces?.tracer ?? null, release: shutdown.release });
    started.resolve();
    flushCompileCache(); // does nothing without NODE_COMPILE_CACHE; with it the next start compiles nothing and needs no type stripper in memory
  } catch (error) {
    started.resolve();
    if (stopping) return;
    const { code, message } = toAppError(error);
    logger.fatal({ error }, `cannot start (${code}): ${message}`);
    await stop('failed start', 1);
  }
}
