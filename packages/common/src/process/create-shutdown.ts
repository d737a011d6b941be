import { AppError } from '../errors/app-error.ts';
import type { Logger } from '../logging/create-logger.ts';

/** Registers how a resource is closed, and how long that may take. Call it at the moment of opening. */
export type Release = (name: string, close: Close, limitMs?: number) => void;

/** `faulty`: the process stops because of an unknown error, so its own state may be wrong. */
type Close = (faulty: boolean) => unknown;

const standardLimitMs = 5_000;

/**
 * The code that opens a resource registers its release at the same moment. Releases run once, newest first, one after the other.
 * If a release fails, or does not end within its limit, it is logged, and the others still run.
 */
export function createShutdown(logger: Pick<Logger, 'error' | 'debug'>): {
  release: Release;
  run(faulty?: boolean): Promise<void>;
} {
  const releases: { name: string; close: Close; limitMs: number }[] = [];
  let running: Promise<void> | undefined;

  async function runAll(faulty: boolean): Promise<void> {
    for (let next = releases.pop(); next; next = releases.pop()) {
      try {
        await within(next.limitMs, next.close(faulty));
        logger.debug({ resource: next.name }, 'released');
      } catch (error) {
        logger.error({ error, resource: next.name }, 'could not release');
      }
    }
  }

  return {
    release: (name, close, limitMs = standardLimitMs) => void releases.push({ name, close, limitMs }),
    run: (faulty = false) => (running ??= runAll(faulty)),
  };
}

async function within(limitMs: number, closing: unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AppError('internal_error', `not closed within ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([closing, limit]);
  } finally {
    clearTimeout(timer);
  }
}
