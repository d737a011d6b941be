let waiting: (() => void)[] | undefined;

/**
 * Runs after everything that this turn of the event loop still has to read and to resolve, in the order of asking; what is asked for
 * meanwhile runs in the same turn. So what many callers have to say can leave together.
 */
export function atEndOfTurn(run: () => void): void {
  if (waiting) {
    waiting.push(run);
    return;
  }
  const asked = [run];
  waiting = asked;
  setImmediate(() => {
    try {
      for (const each of asked) each();
    } finally {
      waiting = undefined;
    }
  });
}
