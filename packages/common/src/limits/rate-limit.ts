import { RateLimiterRedis } from 'rate-limiter-flexible';
import { AppError } from '../errors/app-error.ts';
import type { Redis } from '../redis/redis-connection.ts';

/** What is left of a caller's window. `refused`: nothing was left for this request, and it was not counted. */
export type Standing = { refused: boolean; left: number; resetMs: number };

export type RateLimit = {
  /** As clients are told it: `key`, `address`, `sockets`. */
  readonly name: string;
  readonly perMinute: number;
  /** Counts one request of the caller, where the limit allows it. Waits for nothing. */
  take(caller: string): Standing;
  /** Whether nothing is left for the caller. Counts nothing. */
  isUsedUp(caller: string): boolean;
  close(): void;
};

/**
 * The count that all processes share. Resolves with the sum and the time until its window ends, or with null if Redis is away and has not
 * counted the requests. Rejects if Redis may have counted them.
 */
export type SharedCount = (caller: string, requests: number) => Promise<{ sum: number; resetMs: number } | null>;

/** `silentUntil`: no report before then. */
type Window = { used: number; unreported: number; endsAt: number; silentUntil: number };

const windowMs = 60_000;
const reportEveryMs = 1_000;
/** Of the limit: a process reports at once when it has admitted so much since its last report. */
const share = 10;

/**
 * At most `perMinute` requests of a caller in a minute, which begins with its first request. A process decides by itself, so that no request
 * waits for Redis, and reports what it admitted: the first request of a window and every tenth of the limit at once, the rest once a second.
 * Redis answers with the sum over all processes. So P processes together admit at most (P - 1) tenths above the limit, and what
 * arrives while a report is on its way. While Redis is away, each process keeps to the limit by its own count.
 */
export function createRateLimit({
  name,
  perMinute,
  count,
  now = Date.now,
}: {
  name: string;
  perMinute: number;
  count: SharedCount;
  now?: () => number;
}): RateLimit {
  const windows = new Map<string, Window>();
  const reportAt = Math.ceil(perMinute / share);
  const timer = setInterval(tick, reportEveryMs);
  timer.unref();

  function tick(): void {
    for (const [caller, window] of windows) {
      if (window.endsAt <= now()) windows.delete(caller);
      else if (window.unreported > 0) void report(caller, window);
    }
  }

  /** One at a time for each caller. */
  async function report(caller: string, window: Window): Promise<void> {
    if (window.silentUntil > now()) return;
    window.silentUntil = Number.POSITIVE_INFINITY;
    const requests = window.unreported;
    window.unreported = 0;
    const counted = await count(caller, requests).catch(() => undefined); // counted twice it would refuse too early: it counts here alone
    window.silentUntil = counted ? 0 : now() + reportEveryMs / 2;
    if (counted === null) window.unreported += requests;
    if (!counted) return;
    window.used = Math.max(window.used, counted.sum + window.unreported);
    window.endsAt = now() + counted.resetMs;
    if (window.unreported >= reportAt) void report(caller, window);
  }

  function open(caller: string): Window {
    const window = { used: 0, unreported: 0, endsAt: now() + windowMs, silentUntil: 0 };
    windows.set(caller, window);
    return window;
  }

  function find(caller: string): Window | undefined {
    const window = windows.get(caller);
    return window && window.endsAt > now() ? window : undefined;
  }

  return {
    name,
    perMinute,
    take(caller) {
      const window = find(caller) ?? open(caller);
      const refused = window.used >= perMinute;
      if (!refused) {
        window.used += 1;
        window.unreported += 1;
        if (window.used === 1 || window.unreported >= reportAt) void report(caller, window);
      }
      return { refused, left: Math.max(0, perMinute - window.used), resetMs: Math.max(0, window.endsAt - now()) };
    },
    isUsedUp: (caller) => (find(caller)?.used ?? 0) >= perMinute,
    close: () => clearInterval(timer),
  };
}

/** Counts in Redis, in windows of a minute. */
export function countInRedis(redis: Redis, name: string): SharedCount {
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `nexus:limit:${name}`,
    points: Number.MAX_SAFE_INTEGER, // it counts; the processes decide
    duration: windowMs / 1_000,
  });
  return async (caller, requests) => {
    if (redis.status !== 'ready') return null;
    const { consumedPoints, msBeforeNext } = await limiter.penalty(caller, requests);
    return { sum: consumedPoints, resetMs: msBeforeNext };
  };
}

/** Counts one request, or throws `rate_limited` where nothing is left. null: no limit. */
export function takeOrThrow(rate: RateLimit | null, caller: string): void {
  const standing = rate?.take(caller);
  if (rate && standing?.refused) throw rateLimited(rate, standing.resetMs);
}

/** The refusal, which names the limit and says when to come back. */
export function rateLimited({ name, perMinute }: Pick<RateLimit, 'name' | 'perMinute'>, resetMs: number): AppError {
  const seconds = Math.ceil(resetMs / 1_000);
  const message = `The limit "${name}" is ${perMinute} requests a minute: try again in ${seconds} s`;
  return new AppError('rate_limited', message, { retryAfterMs: resetMs });
}
