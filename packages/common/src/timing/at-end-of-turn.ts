let waiting: (() => void)[] | undefined;

/**
 * Runs functions at the end of this turn of the event loop, after its reads and promises, in the order of the calls. A function that is added
 * meanwhile runs in the same turn. So the work of many callers can leave together.
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
