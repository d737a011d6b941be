export type FlushClock = {
  /** Resolves when deltas may be published again; undefined: at once. */
  nextFlush(): Promise<void> | undefined;
};

/**
 * Lets all streams of the process flush at the same moments, so that what they have leaves in one call. Nobody waits when the last
 * flush was longer ago than the interval, in milliseconds, as it is now.
 */
export function createFlushClock(intervalMs: () => number): FlushClock {
  let lastAt = Number.NEGATIVE_INFINITY;
  let next: Promise<void> | undefined;

  function flushNow(): void {
    lastAt = performance.now();
    next = undefined;
  }

  return {
    nextFlush() {
      if (next) return next;
      const waitMs = lastAt + intervalMs() - performance.now();
      if (waitMs < 1) {
        flushNow();
        return undefined;
      }
      next = new Promise<void>((resolve) => {
        setTimeout(() => {
          flushNow();
          resolve();
        }, waitMs);
      });
      return next;
    },
  };
}
