import { AppError } from '@nexus/common/errors/app-error';
import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import type { Claim } from '@nexus/common/invocations/status/claim-invocations';

export type RunningAttempt = AttemptId & {
  provider: string;
  /** Aborted with an AppError that says why: cancelled, claim_lost, deadline_exceeded, a timeout, worker_stopping. */
  signal: AbortSignal;
  abort(reason: AppError): void;
};

export type RunningAttempts = {
  /** The returned attempt counts as running until it is closed. */
  open(claim: AttemptId & Pick<Claim, 'settings'>): RunningAttempt & { close(): void };
  abort(invocationId: string, reason: AppError): void;
  /** Aborts all running attempts, and every attempt that is opened later. */
  abortAll(reason: AppError): void;
  list(): RunningAttempt[];
  size(): number;
};

/** The running attempts of this process. The heartbeat, the nudges and the shutdown abort attempts through it. */
export function createRunningAttempts(): RunningAttempts {
  const attempts = new Map<string, RunningAttempt>();
  let allAborted: AppError | undefined;

  return {
    open({ invocationId, conversationId, attempt: number, settings }) {
      const controller = new AbortController();
      const attempt: RunningAttempt = {
        invocationId,
        conversationId,
        attempt: number,
        provider: settings.provider,
        signal: controller.signal,
        abort: (reason) => controller.abort(reason),
      };
      attempts.set(invocationId, attempt);
      if (allAborted) attempt.abort(allAborted);
      const close = () => {
        if (attempts.get(invocationId) === attempt) attempts.delete(invocationId);
      };
      return { ...attempt, close };
    },
    abort: (invocationId, reason) => attempts.get(invocationId)?.abort(reason),
    abortAll(reason) {
      allAborted = reason;
      for (const attempt of attempts.values()) attempt.abort(reason);
    },
    list: () => [...attempts.values()],
    size: () => attempts.size,
  };
}

/** The signal's abort reason as an AppError. */
export function abortReason(signal: AbortSignal): AppError {
  return signal.reason instanceof AppError
    ? signal.reason
    : new AppError('internal_error', undefined, { cause: signal.reason });
}
