import { waitUntil } from '../support/wait-until.ts';
import type { Chaos, ChaosOptions } from './open-chaos.ts';

/** `short` is what `npm test` can afford; `full` has the long waits, the large numbers and the ten minutes. */
export type Scale = 'short' | 'full';

export type RowTools = {
  scale: Scale;
  seed: number;
  /** A system of its own, closed when the row is over. */
  open(options?: ChaosOptions): Promise<Chaos>;
  say(progress: string): void;
};

export type ChaosRow = {
  /** The number in the list of faults: "1", "10c". */
  id: string;
  title: string;
  /** The row runs only in full. */
  long?: boolean;
  /** Causes the fault, and throws if an invariant is broken. Returns the measured values. */
  run(tools: RowTools): Promise<string>;
};

/** Throws if the condition does not hold. */
export function must(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** I5: health tells the truth during the fault. Throws if one of these services does not report soon that its dependency is away. */
export async function mustSayUnready(services: { url: string }[], check: 'database' | 'redis'): Promise<void> {
  for (const { url } of services) {
    const says = async () => {
      const response = await fetch(`${url}/readyz`);
      const { checks } = (await response.json()) as { checks: Record<string, string> };
      return response.status === 503 && checks[check] !== 'ok';
    };
    await waitUntil(says, {
      what: `I5: ${url}/readyz to say that the ${check} is away`,
      timeoutMs: 10_000,
      everyMs: 50,
    });
    must((await fetch(`${url}/livez`)).ok, `I5: ${url}/livez says that it is dead`);
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Small, seeded and good enough to choose faults with: mulberry32 by Tommy Ettinger. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
