export type FlushClock = {
  /** Resolves when deltas may be published. undefined: they may be published now. */
  nextFlush(): Promise<void> | undefined;
};

/**
 * Lets all streams of the process flush at the same moments, so that their events leave in one call. A stream does not wait if the last flush
 * is longer ago than the current interval.
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
