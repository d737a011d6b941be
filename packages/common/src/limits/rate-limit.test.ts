import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRateLimit, type RateLimit, rateLimited, type SharedCount } from './rate-limit.ts';

const perMinute = 100;

describe('a rate limit', () => {
  let sums: Map<string, { sum: number; endsAt: number }>;
  let reports: number[];
  let away: 'unsent' | 'unheard' | null;
  const open: RateLimit[] = [];
  const count: SharedCount = async (caller, requests) => {
    reports.push(requests);
    if (away === 'unsent') return null;
    const counted = sums.get(caller);
    const window = counted && counted.endsAt > Date.now() ? counted : { sum: 0, endsAt: Date.now() + 60_000 };
    window.sum += requests;
    sums.set(caller, window);
    if (away === 'unheard') throw new Error('Redis did not answer');
    return { sum: window.sum, resetMs: window.endsAt - Date.now() };
  };
  const create = () => {
    const limit = createRateLimit({ name: 'key', perMinute, count });
    open.push(limit);
    return limit;
  };
  /** Asks until refused, with time for reports between requests. */
  async function admitted(limits: RateLimit[], requests: number): Promise<number> {
    let count = 0;
    for (let index = 0; index < requests; index += 1) {
      if (!limits[index % limits.length]?.take('caller').refused) count += 1;
      await vi.advanceTimersByTimeAsync(0);
    }
    return count;
  }
  beforeEach(() => {
    vi.useFakeTimers();
    [sums, reports, away] = [new Map(), [], null];
  });
  afterEach(() => {
    for (const limit of open.splice(0)) limit.close();
    vi.useRealTimers();
  });

  it('admits as many requests as it says, and more when the minute is over', async () => {
    const limit = create();
    expect(await admitted([limit], perMinute + 5)).toBe(perMinute);
    expect(limit.take('caller')).toEqual({ refused: true, left: 0, resetMs: 60_000 });
    expect([limit.isUsedUp('caller'), limit.isUsedUp('another')]).toEqual([true, false]);
    expect(limit.take('another').left).toBe(perMinute - 1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(limit.take('caller')).toEqual({ refused: false, left: perMinute - 1, resetMs: 60_000 });
  });

  it('reports the first request, each tenth of the limit, and the rest after a second', async () => {
    const limit = create();
    await admitted([limit], 24);
    expect(reports).toEqual([1, 10, 10]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reports).toEqual([1, 10, 10, 3]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(reports).toHaveLength(4);
  });

  it('admits at most a tenth more for each further process', async () => {
    const processes = [create(), create(), create()];
    const total = await admitted(processes, 500);
    expect(total).toBeGreaterThanOrEqual(perMinute);
    expect(total).toBeLessThanOrEqual(perMinute * 1.2);
  });

  it.each(['unsent', 'unheard'] as const)('keeps to the limit in each process while Redis is away: %s', async (how) => {
    away = how;
    const processes = [create(), create()];
    expect(await admitted(processes, 1_000)).toBe(2 * perMinute);
  });

  it('asks Redis once in a while whether it is back, and reports what it could not, once', async () => {
    away = 'unsent';
    const limit = create();
    await admitted([limit], 50);
    expect(reports).toEqual([1]);
    away = null;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(reports).toEqual([1, 50]);
    away = 'unheard';
    await admitted([limit], 10);
    away = null;
    await vi.advanceTimersByTimeAsync(2_000);
    expect([reports, sums.get('caller')?.sum]).toEqual([[1, 50, 10], 60]);
  });

  it('does not forget what it admitted when Redis comes back empty', async () => {
    const limit = create();
    await admitted([limit], 60);
    sums.clear();
    expect(await admitted([limit], 100)).toBe(40);
  });

  it('is named in its refusal, with the time to wait', () => {
    const error = rateLimited({ name: 'key', perMinute }, 1_500);
    expect(error).toMatchObject({ code: 'rate_limited', retryAfterMs: 1_500 });
    expect(error.message).toBe('The limit "key" is 100 requests a minute: try again in 2 s');
  });
});
