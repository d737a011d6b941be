import { atEndOfTurn } from '../timing/at-end-of-turn.ts';
import { isDatabaseUnavailable } from './database-error.ts';

export type JoinOptions<Item> = {
  /** Items that share a key never go together: the later one waits until the earlier one is done, or has taken longer than `patienceMs`. */
  keysOf: (item: Item) => string[];
  maxTogether?: number;
  /** Calls that take longer than `patienceMs` do not count. */
  maxUnderWay?: number;
  /** Milliseconds. A call that takes longer no longer delays those that wait: it may itself wait for a lock. */
  patienceMs?: number;
};

/**
 * Joins calls into one, for statements that cost less per row if they have more rows. It joins the calls of one turn of the event loop. Under load it
 * also joins those that wait until one of `maxUnderWay` calls returns. `run` answers in the order of its items. If a joined call fails, each item is
 * tried by itself, so that one item cannot fail another; but not if the database is away or takes no writes.
 */
export function joinCalls<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  { keysOf, maxTogether = 64, maxUnderWay = 2, patienceMs = 10 }: JoinOptions<Item>,
): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; keys: string[]; resolve(result: Result): void; reject(error: unknown): void };
  let waiting: Waiting[] = [];
  let starting = false;
  /** The keys of each call that is within its patience. */
  const inTheWay = new Set<string[]>();

  function startSoon(): void {
    if (starting || inTheWay.size === maxUnderWay) return;
    starting = true;
    atEndOfTurn(() => {
      starting = false;
      startAll();
    });
  }

  function startAll(): void {
    while (inTheWay.size < maxUnderWay) {
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
      if (taken.length === maxTogether || each.keys.some((key) => keys.has(key))) left.push(each);
      else taken.push(each);
      for (const key of each.keys) keys.add(key); // also the keys of items that wait, so that a later item cannot overtake them
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
