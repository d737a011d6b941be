import { toAppError } from './app-error.ts';
import { createLogger, type Logger } from './create-logger.ts';
import { createShutdown, type Release } from './create-shutdown.ts';

type Basics = { LOG_LEVEL: string; LOG_FORMAT: 'json' | 'pretty' };
type Parts<C> = { config: C; logger: Logger; release: Release };

/**
 * The life of a service process: config, logger, shutdown, then `open` (open, build, listen). SIGTERM and SIGINT run the
 * releases and exit 0; a failed start says why in one line, releases what was opened and exits 1. A thing nobody caught is a
 * bug: it is logged, and the process stops in order with exit code 1.
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
  const logger = createLogger(name, { level: config.LOG_LEVEL, format: config.LOG_FORMAT });
  const shutdown = createShutdown(logger);
  let exitCode = 0;

  async function stop(why: string, code: number): Promise<void> {
    exitCode = Math.max(exitCode, code);
    logger.info({ why }, 'stopping');
    await shutdown.run();
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
    await open({ config, logger, release: shutdown.release });
  } catch (error) {
    const { code, message } = toAppError(error);
    logger.fatal({ error }, `cannot start (${code}): ${message}`);
    await stop('failed start', 1);
  }
}
