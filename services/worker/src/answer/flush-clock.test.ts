import { describe, expect, it } from 'vitest';
import { createFlushClock } from './flush-clock.ts';
import { flushIntervalMs } from './flush-interval.ts';

describe('the flush clock', () => {
  it('does not wait if the last flush was long enough ago', () => {
    let interval = 60_000;
    const { nextFlush } = createFlushClock(() => interval);
    expect(nextFlush()).toBeUndefined();
    interval = 0;
    expect(nextFlush()).toBeUndefined();
  });

  it('flushes all streams that wait at the same moment', async () => {
    const { nextFlush } = createFlushClock(() => 100);
    nextFlush();
    const [first, second] = [nextFlush(), nextFlush()];
    expect(first).toBeInstanceOf(Promise);
    expect(second).toBe(first);
    await first;
    expect(nextFlush()).not.toBe(first);
  });

  it('never waits with an interval of 0', () => {
    const { nextFlush } = createFlushClock(() => 0);
    for (let times = 0; times < 3; times += 1) expect(nextFlush()).toBeUndefined();
  });
});

describe('the flush interval', () => {
  it('is 0 with few streams, grows with each further one, and has a limit', () => {
    expect(flushIntervalMs(16, 40)).toBe(0);
    expect(flushIntervalMs(56, 40)).toBe(10);
    expect(flushIntervalMs(1_000, 40)).toBe(40);
    expect(flushIntervalMs(1_000, 0)).toBe(0);
  });
});
