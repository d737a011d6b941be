import type { HandBack } from '@nexus/common/invocations/status/hand-back-invocation';
import type { CallResult } from './call-result.ts';
import { isPassing, type RetryPolicy } from './retry-before-first-part.ts';

/**
 * Hands back the attempt if this worker stops, or if the provider asked for a wait that is too long for a worker slot. null: the invocation
 * ends with this result.
 */
export function toHandBack(
  { error, firstPartAt }: CallResult,
  attempt: number,
  { longWaitMs, maxWaitMs, attempts: maxAttempts }: Pick<RetryPolicy, 'longWaitMs' | 'maxWaitMs' | 'attempts'>,
): Omit<HandBack, 'usage'> | null {
  if (!error) return null;
  if (error.code === 'worker_stopping') return { reason: error.code, delayMs: 0 };
  const delayMs = error.retryAfterMs ?? 0;
  const isLongWait = delayMs > longWaitMs && delayMs <= maxWaitMs;
  const mayWait = firstPartAt === null && isPassing(error.code) && attempt < maxAttempts;
  return isLongWait && mayWait ? { reason: error.code, delayMs } : null;
}
