/** More would make none of them faster: by then they wait for Postgres. */
const mostAtOnce = 64;
/** Kept for those that overtake: while Redis is away, subscribes stay for as long as it does. */
const mostOvertaking = 64;
/** One socket may watch 1,000 conversations, and subscribes to all of them at once when it comes back. */
export const mostWaiting = 1_000;

type Run = () => Promise<void>;

/**
 * The requests of one socket: some are answered at the same time, the others begin when one of those is done, in the order in which they came.
 * However many one client sends, those of another do not wait behind them. `onIdle` is called when none is left: a socket that only listens
 * needs none of this.
 */
export class RequestTurns {
  readonly #onIdle: () => void;
  readonly #waiting: Run[] = [];
  #running = 0;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** `run` must not reject. One that overtakes does not wait for those that came before it. False: too many wait. */
  take(run: Run, overtakes = false): boolean {
    if (this.#running < mostAtOnce + (overtakes ? mostOvertaking : 0)) {
      void this.#runOn(run);
      return true;
    }
    if (this.#waiting.length >= mostWaiting) return false;
    this.#waiting.push(run);
    return true;
  }

  async #runOn(first: Run): Promise<void> {
    this.#running += 1;
    await first();
    while (this.#running <= mostAtOnce) {
      const next = this.#waiting.shift();
      if (!next) break;
      await next();
    }
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle();
  }
}
