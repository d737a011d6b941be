import type { Logger } from './create-logger.ts';

/** Registers, at the moment something is opened, how it is closed. */
export type Release = (name: string, close: () => unknown) => void;

/**
 * Whoever opens a resource registers its release at the same moment; releases run once, newest first, each to its end.
 * A failing release is logged and does not keep the others from running.
 */
export function createShutdown(logger: Pick<Logger, 'error' | 'debug'>): { release: Release; run(): Promise<void> } {
  const releases: { name: string; close: () => unknown }[] = [];
  let running: Promise<void> | undefined;

  async function runAll(): Promise<void> {
    for (let next = releases.pop(); next; next = releases.pop()) {
      try {
        await next.close();
        logger.debug({ resource: next.name }, 'released');
      } catch (error) {
        logger.error({ error, resource: next.name }, 'could not release');
      }
    }
  }

  return {
    release: (name, close) => void releases.push({ name, close }),
    run: () => (running ??= runAll()),
  };
}
