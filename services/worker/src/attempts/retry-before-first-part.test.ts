import { AppError } from '@nexus/common/errors/app-error';
import { describe, expect, it } from 'vitest';
import type { OnPart, ProviderFinish, ProviderPart } from '../providers/provider.ts';
import { collect, failureOf } from '../providers/testing/collect.ts';
import { retryBeforeFirstPart } from './retry-before-first-part.ts';

const never = new AbortController().signal;
const policy = { calls: 3, baseMs: 1, capMs: 2, longWaitMs: 1_000, maxWaitMs: 10_000, attempts: 2 };
const text = (value: string): ProviderPart => ({ type: 'text-delta', text: value });
const finish: ProviderFinish = { reason: 'stop', rawReason: 'stop', usage: null };

/** Each call plays the next of these: it passes on parts, or throws an error. */
function playing(...calls: (ProviderPart | Error)[][]) {
  let count = 0;
  const call = async (onPart: OnPart) => {
    for (const each of calls[count++] ?? []) {
      if (each instanceof Error) throw each;
      onPart(each);
    }
    return finish;
  };
  return { call, count: () => count };
}

describe('retryBeforeFirstPart', () => {
  it.each(['provider_rate_limited', 'provider_unavailable', 'provider_unreachable', 'stream_interrupted'] as const)(
    'calls again after %s',
    async (code) => {
      const { call, count } = playing([new AppError(code)], [new AppError(code)], [text('a')]);
      expect((await collect((onPart) => retryBeforeFirstPart(call, policy, onPart, never))).text).toBe('a');
      expect(count()).toBe(3);
    },
  );

  it.each([
    'provider_key_rejected',
    'provider_request_rejected',
    'provider_quota_exceeded',
    'first_token_timeout',
  ] as const)('does not call again after %s', async (code) => {
    const { call, count } = playing([new AppError(code)], [text('a')]);
    expect(await failureOf((onPart) => retryBeforeFirstPart(call, policy, onPart, never))).toMatchObject({ code });
    expect(count()).toBe(1);
  });

  it('never calls again after the first part: the answer is interrupted', async () => {
    const { call, count } = playing([text('a'), new AppError('provider_unavailable')], [text('b')]);
    const error = (await failureOf((onPart) => retryBeforeFirstPart(call, policy, onPart, never))) as AppError;
    expect(error).toMatchObject({ code: 'stream_interrupted', cause: { code: 'provider_unavailable' } });
    expect(count()).toBe(1);
  });

  it('gives up after so many calls, with the last error', async () => {
    const { call, count } = playing(...Array.from({ length: 9 }, () => [new AppError('provider_unavailable')]));
    expect(await failureOf((onPart) => retryBeforeFirstPart(call, policy, onPart, never))).toMatchObject({
      code: 'provider_unavailable',
    });
    expect(count()).toBe(3);
  });

  it('waits as long as the provider asked', async () => {
    const { call } = playing([new AppError('provider_rate_limited', '', { retryAfterMs: 80 })], [text('a')]);
    const startedAt = performance.now();
    await collect((onPart) => retryBeforeFirstPart(call, policy, onPart, never));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(75);
  });

  it('leaves a long wait to a later attempt', async () => {
    const { call, count } = playing([new AppError('provider_rate_limited', '', { retryAfterMs: 5_000 })]);
    expect(await failureOf((onPart) => retryBeforeFirstPart(call, policy, onPart, never))).toMatchObject({
      retryAfterMs: 5_000,
    });
    expect(count()).toBe(1);
  });

  it('stops waiting when it is aborted', async () => {
    const { call } = playing([new AppError('provider_rate_limited', '', { retryAfterMs: 900 })]);
    const controller = new AbortController();
    const reason = new AppError('cancelled');
    setTimeout(() => controller.abort(reason), 10);
    expect(await failureOf((onPart) => retryBeforeFirstPart(call, policy, onPart, controller.signal))).toBe(reason);
  });
});
