/** More at once would not be faster: they wait for Postgres. */
const maxAtOnce = 64;
/** Extra turns for requests that overtake. While Redis is away, waiting subscribes fill all other turns. */
const maxOvertaking = 64;
/** A socket may watch 1,000 conversations, and subscribes to all of them at once when it comes back. */
export const maxWaiting = 1_000;

type Run = () => Promise<void>;

/**
 * The requests of one socket. Up to `maxAtOnce` run at the same time. The others begin in their order when one of those is done. So the many
 * requests of one client do not delay those of another. `onIdle` is called when none is left, so that an idle socket can drop this object.
 */
export class RequestTurns {
  readonly #onIdle: () => void;
  readonly #waiting: Run[] = [];
  #running = 0;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** `run` must not reject. With `overtakes` it does not wait for earlier requests. Returns false if too many wait. */
  take(run: Run, overtakes = false): boolean {
    if (this.#running < maxAtOnce + (overtakes ? maxOvertaking : 0)) {
      void this.#runOn(run);
      return true;
    }
    if (this.#waiting.length >= maxWaiting) return false;
    this.#waiting.push(run);
    return true;
  }

  async #runOn(first: Run): Promise<void> {
    this.#running += 1;
    await first();
    while (this.#running <= maxAtOnce) {
      const next = this.#waiting.shift();
      if (!next) break;
      await next();
    }
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle();
  }
}
