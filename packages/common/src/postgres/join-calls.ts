import { atEndOfTurn } from '../timing/at-end-of-turn.ts';
import { isDatabaseUnavailable } from './database-error.ts';

export type JoinOptions<Item> = {
  /** Of items with one of these in common each waits until the one before it is done, or has taken longer than the patience. */
  keysOf: (item: Item) => string[];
  mostTogether?: number;
  /** Not counting those that take longer than the patience. */
  mostUnderWay?: number;
  /** A call that takes longer, in milliseconds, does not hold up those who wait any more: it may itself be waiting for a lock. */
  patienceMs?: number;
};

/**
 * Joins calls into one, for statements that cost less per row the more rows they have: those of one turn of the event loop, and under
 * load those who wait while as many as may be are under way, until one of these returns. `run` answers in the order of its items. When
 * a joined call fails, each item is tried by itself, so that none suffers for another; not when the database is away, or takes no writes.
 */
export function joinCalls<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  { keysOf, mostTogether = 64, mostUnderWay = 2, patienceMs = 10 }: JoinOptions<Item>,
): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; keys: string[]; resolve(result: Result): void; reject(error: unknown): void };
  let waiting: Waiting[] = [];
  let starting = false;
  /** The keys of each call that is within its patience. */
  const inTheWay = new Set<string[]>();

  function startSoon(): void {
    if (starting || inTheWay.size === mostUnderWay) return;
    starting = true;
    atEndOfTurn(() => {
      starting = false;
      startAll();
    });
  }

  function startAll(): void {
    while (inTheWay.size < mostUnderWay) {
      const calls = takeTogether();
      if (calls.length === 0) return;
      start(calls);
    }
  }

  function start(calls: Waiting[]): void {
    const keys = calls.flatMap((call) => call.keys);
    inTheWay.add(keys);
    const release = () => {
      if (inTheWay.delete(keys)) startAll();
    };
    const timer = setTimeout(release, patienceMs);
    runTogether(calls).finally(() => {
      clearTimeout(timer);
      release();
    });
  }

  function takeTogether(): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    const keys = new Set([...inTheWay].flat());
    for (const each of waiting) {
      if (taken.length === mostTogether || each.keys.some((key) => keys.has(key))) left.push(each);
      else taken.push(each);
      for (const key of each.keys) keys.add(key); // also of those left: whoever came later does not overtake
    }
    waiting = left;
    return taken;
  }

  async function runTogether(calls: Waiting[]): Promise<void> {
    try {
      const results = await run(calls.map(({ item }) => item));
      for (const [at, { resolve }] of calls.entries()) resolve(results[at] as Result);
    } catch (error) {
      if (calls.length === 1 || isDatabaseUnavailable(error)) for (const { reject } of calls) reject(error);
      else await Promise.all(calls.map((call) => runTogether([call])));
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, keys: keysOf(item), resolve, reject });
      startSoon();
    });
}
