import { AppError } from '@nexus/common/errors/app-error';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import { describe, expect, it } from 'vitest';
import type { CallResult } from './call-result.ts';
import { toHandBack } from './to-hand-back.ts';

const policy = { longWaitMs: 10_000, maxWaitMs: 600_000, attempts: 3 };
const failed = (code: ErrorCode, retryAfterMs?: number, firstPartAt: number | null = null): CallResult => ({
  finish: null,
  error: new AppError(code, undefined, retryAfterMs === undefined ? {} : { retryAfterMs }),
  firstPartAt,
});

describe('an attempt', () => {
  it('is handed back without a delay if its worker stops, also during its answer and as the last attempt', () => {
    expect(toHandBack(failed('worker_stopping', undefined, 5), 3, policy)).toEqual({
      reason: 'worker_stopping',
      delayMs: 0,
    });
  });

  it('is handed back with the delay that its provider asks for, if that is long', () => {
    expect(toHandBack(failed('provider_rate_limited', 10_001), 2, policy)).toEqual({
      reason: 'provider_rate_limited',
      delayMs: 10_001,
    });
  });

  it.each<[string, CallResult, number]>([
    ['it is complete', { finish: { reason: 'stop', rawReason: 'stop', usage: null }, error: null, firstPartAt: 5 }, 1],
    ['the wait is short, because the call was retried already', failed('provider_rate_limited', 10_000), 1],
    ['its provider names no wait', failed('provider_unavailable'), 1],
    ['the wait is longer than the limit', failed('provider_rate_limited', 600_001), 1],
    ['it is the last attempt', failed('provider_rate_limited', 60_000), 3],
    ['a part has arrived', failed('stream_interrupted', 60_000, 5), 1],
    ['a retry would not help', failed('provider_key_rejected', 60_000), 1],
  ])('ends its invocation if %s', (_why, result, attempt) => {
    expect(toHandBack(result, attempt, policy)).toBeNull();
  });
});
