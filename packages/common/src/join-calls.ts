import { isDatabaseAway } from './database-error.ts';

export type JoinOptions<Item> = {
  /** Items with one of these in common never go together. */
  keysOf: (item: Item) => string[];
  mostTogether?: number;
  /** A call that takes longer, in milliseconds, does not hold up those who wait any more: it may itself be waiting for a lock. */
  patienceMs?: number;
};

/**
 * Joins calls that come while another is under way into one, for statements that cost less per row the more rows they have: who is
 * alone goes at once, and under load all who wait go together. `run` answers in the order of its items. When a joined call fails, each
 * item is tried by itself, so that none suffers for another; not when the database is away.
 */
export function joinCalls<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  { keysOf, mostTogether = 64, patienceMs = 10 }: JoinOptions<Item>,
): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve(result: Result): void; reject(error: unknown): void };
  let waiting: Waiting[] = [];
  let blocked = false;

  function startNext(): void {
    if (blocked || waiting.length === 0) return;
    blocked = true;
    const release = once(() => {
      blocked = false;
      startNext();
    });
    const timer = setTimeout(release, patienceMs);
    runTogether(takeTogether()).finally(() => {
      clearTimeout(timer);
      release();
    });
  }

  function takeTogether(): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    const keys = new Set<string>();
    for (const each of waiting) {
      const own = keysOf(each.item);
      if (taken.length === mostTogether || own.some((key) => keys.has(key))) left.push(each);
      else taken.push(each);
      for (const key of own) keys.add(key); // also of those left: whoever came later does not overtake
    }
    waiting = left;
    return taken;
  }

  async function runTogether(calls: Waiting[]): Promise<void> {
    try {
      const results = await run(calls.map(({ item }) => item));
      for (const [at, { resolve }] of calls.entries()) resolve(results[at] as Result);
    } catch (error) {
      if (calls.length === 1 || isDatabaseAway(error)) for (const { reject } of calls) reject(error);
      else await Promise.all(calls.map((call) => runTogether([call])));
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length === 1) queueMicrotask(startNext);
    });
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
}
