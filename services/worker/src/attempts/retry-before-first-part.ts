import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, toAppError } from '@nexus/common/errors/app-error';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { OnPart, ProviderFinish } from '../providers/provider.ts';

export type RetryPolicy = {
  calls: number;
  baseMs: number;
  capMs: number;
  /** If a provider asks for a longer wait than this, the attempt is handed back, so that the wait does not block a worker slot. */
  longWaitMs: number;
  /** If a provider asks for a longer wait than this, the invocation fails. */
  maxWaitMs: number;
  /** How many attempts an invocation may have. A long wait does not hand back the last one. */
  attempts: number;
};

export const standardRetryPolicy: RetryPolicy = {
  calls: 4,
  baseMs: 250,
  capMs: 8_000,
  longWaitMs: 10_000,
  maxWaitMs: 600_000,
  attempts: 10,
};

const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'provider_rate_limited',
  'provider_unavailable',
  'provider_unreachable',
  'stream_interrupted',
]);

/** Whether the same call may succeed a little later. */
export function isPassing(code: ErrorCode): boolean {
  return passing.has(code);
}

/**
 * Calls the provider again after a passing failure, but only before the first part: otherwise clients would see half of one answer and then
 * another one. After the first part a passing failure is `stream_interrupted`. The wait grows exponentially with full jitter, unless the
 * provider asked for a wait.
 */
export async function retryBeforeFirstPart(
  call: (onPart: OnPart) => Promise<ProviderFinish>,
  policy: RetryPolicy,
  onPart: OnPart,
  signal: AbortSignal,
): Promise<ProviderFinish> {
  for (let calls = 1; ; calls += 1) {
    let begun = false;
    try {
      return await call((part) => {
        begun = true;
        onPart(part);
      });
    } catch (caught) {
      signal.throwIfAborted();
      const error = toAppError(caught);
      if (begun) throw isPassing(error.code) ? asInterrupted(error) : error;
      const waitMs = error.retryAfterMs ?? Math.random() * Math.min(policy.capMs, policy.baseMs * 2 ** calls);
      if (!isPassing(error.code) || calls >= policy.calls || waitMs > policy.longWaitMs) throw error;
      await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

function asInterrupted(error: AppError): AppError {
  return error.code === 'stream_interrupted' ? error : new AppError('stream_interrupted', undefined, { cause: error });
}
