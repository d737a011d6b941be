/** More would make none of them faster: by then they wait for Postgres. */
const mostAtOnce = 64;
/** One socket may watch 1,000 conversations, and subscribes to all of them at once when it comes back. */
export const mostWaiting = 1_000;

type Run = () => Promise<void>;

/**
 * The requests of one socket: some are answered at the same time, the others begin when one of those is done, in the order in which they came.
 * However many one client sends, those of another do not wait behind them. A class, as there are many.
 */
export class RequestTurns {
  #running = 0;
  #waiting: Run[] | undefined;

  /** `run` must not reject. False: too many wait. */
  take(run: Run): boolean {
    if (this.#running < mostAtOnce) {
      void this.#runOn(run);
      return true;
    }
    this.#waiting ??= [];
    if (this.#waiting.length >= mostWaiting) return false;
    this.#waiting.push(run);
    return true;
  }

  async #runOn(first: Run): Promise<void> {
    this.#running += 1;
    for (let run: Run | undefined = first; run; run = this.#waiting?.shift()) await run();
    this.#running -= 1;
  }
}
