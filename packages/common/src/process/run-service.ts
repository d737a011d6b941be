import { flushCompileCache } from 'node:module';
import { toAppError } from '../errors/app-error.ts';
import { closeLog, createLogger, type Logger } from '../logging/create-logger.ts';
import { openTracer, type TracingSettings } from '../tracing/open-tracer.ts';
import type { Tracer } from '../tracing/tracer.ts';
import { createShutdown, type Release } from './create-shutdown.ts';

type Basics = TracingSettings & { LOG_LEVEL: string; LOG_FORMAT: 'json' | 'pretty' };
type Parts<C> = { config: C; logger: Logger; tracer: Tracer | null; release: Release };

/** A start that is told to stop may come to its end first, for so long: what it opens meanwhile is released as well. */
const startLimitMs = 5_000;

/**
 * The life of a service process: config, tracer, logger, shutdown, then `open` (open, build, listen). SIGTERM and SIGINT run the
 * releases and exit 0, during the start as well; a failed start says why in one line, releases what was opened and exits 1. A
 * thing nobody caught is a bug: it is logged, and the process stops in order with exit code 1.
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
    if (stopping) return; // it goes on as it has begun
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
    flushCompileCache(); // where there is one: the next start compiles nothing, and holds no compiler for types in memory
  } catch (error) {
    started.resolve();
    if (stopping) return;
    const { code, message } = toAppError(error);
    logger.fatal({ error }, `cannot start (${code}): ${message}`);
    await stop('failed start', 1);
  }
}
