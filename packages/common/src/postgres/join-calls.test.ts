import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { joinCalls } from './join-calls.ts';

/** Runs that end when the test wants it. */
function recorded() {
  const runs: { items: string[]; succeed(): void; fail(error: unknown): void }[] = [];
  const run = (items: string[]) =>
    new Promise<string[]>((resolve, reject) => {
      runs.push({ items, succeed: () => resolve(items.map((item) => item.toUpperCase())), fail: reject });
    });
  return { runs, run };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));
const keysOf = (item: string) => [item.slice(0, 1)];

describe('joined calls', () => {
  it('go together where they come in one turn, each with its own result', async () => {
    const { runs, run } = recorded();
    const call = joinCalls(run, { keysOf });
    const calls = [call('a'), Promise.resolve().then(() => call('b'))];
    await turn();
    expect(runs.map(({ items }) => items)).toEqual([['a', 'b']]);
    runs[0]?.succeed();
    expect(await Promise.all(calls)).toEqual(['A', 'B']);
  });

  it('that come while as many as may be are under way go together in the next', async () => {
    const { runs, run } = recorded();
    const call = joinCalls(run, { keysOf, maxUnderWay: 2, maxTogether: 2, patienceMs: 60_000 });
    for (const item of ['a', 'b', 'c', 'd', 'e']) {
      void call(item);
      await turn();
    }
    expect(runs.map(({ items }) => items)).toEqual([['a'], ['b']]);
    runs[1]?.succeed();
    await turn();
    expect(runs.map(({ items }) => items)).toEqual([['a'], ['b'], ['c', 'd']]);
    runs[0]?.succeed();
    await turn();
    expect(runs.at(-1)?.items).toEqual(['e']);
  });

  it('wait for one of the same key that is under way, and hold up no other', async () => {
    const { runs, run } = recorded();
    const call = joinCalls(run, { keysOf, maxUnderWay: 2, patienceMs: 60_000 });
    for (const item of ['a1', 'a2', 'b']) {
      void call(item);
      await turn();
    }
    expect(runs.map(({ items }) => items)).toEqual([['a1'], ['b']]);
    runs[0]?.succeed();
    await turn();
    expect(runs.at(-1)?.items).toEqual(['a2']);
  });

  it('never go together with one of the same key, and do not overtake it', async () => {
    const { runs, run } = recorded();
    const call = joinCalls(run, { keysOf, patienceMs: 60_000 });
    for (const item of ['a1', 'b', 'a2', 'a3']) void call(item);
    for (const expected of [['a1', 'b'], ['a2'], ['a3']]) {
      await turn();
      expect(runs.at(-1)?.items).toEqual(expected);
      runs.at(-1)?.succeed();
    }
  });

  it('are not held up for long by one that waits', async () => {
    const { runs, run } = recorded();
    const call = joinCalls(run, { keysOf, maxUnderWay: 1 });
    for (const item of ['a1', 'a2', 'b1', 'b2']) void call(item);
    await expect.poll(() => runs.length).toBe(2);
    expect(runs.map(({ items }) => items)).toEqual([
      ['a1', 'b1'],
      ['a2', 'b2'],
    ]);
  });

  it('do not overtake one that waits for another key of theirs', async () => {
    const { runs, run } = recorded();
    const call = joinCalls(run, { keysOf: (item) => item.split(''), patienceMs: 60_000 });
    void call('a');
    await turn();
    for (const item of ['ab', 'b']) void call(item);
    for (const expected of ['a', 'ab', 'b']) {
      await turn();
      expect(runs.at(-1)?.items).toEqual([expected]);
      runs.at(-1)?.succeed();
    }
  });

  it('keep their places when one ends that had outlived its patience', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { runs, run } = recorded();
    const call = joinCalls(run, { keysOf, maxUnderWay: 1, patienceMs: 10 });
    for (const item of ['a1', 'a2', 'a3']) void call(item);
    await turn();
    vi.advanceTimersByTime(10);
    await turn();
    expect(runs.map(({ items }) => items)).toEqual([['a1'], ['a2']]);
    runs[0]?.succeed();
    await turn();
    expect(runs).toHaveLength(2);
    runs[1]?.succeed();
    await turn();
    expect(runs.at(-1)?.items).toEqual(['a3']);
  });

  it('are tried one by one when they fail together: none suffers for another', async () => {
    const run = async (items: string[]) => {
      if (items.includes('bad')) throw new Error(`bad among ${items.length}`);
      return items;
    };
    const call = joinCalls(run, { keysOf });
    const results = await Promise.allSettled([call('a'), call('bad'), call('c')]);
    expect(results.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason)))).toEqual([
      'a',
      'Error: bad among 1',
      'c',
    ]);
  });

  it('fail together when the database is away', async () => {
    let runs = 0;
    const call = joinCalls(
      async () => {
        runs += 1;
        throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
      },
      { keysOf },
    );
    const results = await Promise.allSettled([call('a'), call('b')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(runs).toBe(1);
  });
});
