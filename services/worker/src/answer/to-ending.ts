import type { AppError } from '@nexus/common/errors/app-error';
import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import type { Ending, Step } from '@nexus/common/invocations/status/ending';
import { errorMeanings } from '@nexus/protocol/error-codes';

/** The ending of an attempt with its last step. `error` is what stopped that step; null: the answer is complete. */
export function toEnding(
  { invocationId, conversationId, attempt }: AttemptId,
  step: Step,
  error: AppError | null,
  lastSeq: number,
): Ending {
  const status = error === null ? 'completed' : error.code === 'cancelled' ? 'cancelled' : 'failed';
  const failure = error && status === 'failed' ? { code: error.code, message: shownMessage(error) } : null;
  return { invocationId, conversationId, attempt, status, error: failure, lastSeq, step };
}

function shownMessage(error: AppError): string {
  const { exposed, title } = errorMeanings[error.code];
  return exposed ? error.message : title;
}

/** The ending as failed and without the provider's text, for a database that refuses to store that text. */
export function toRefused(ending: Ending): Ending {
  return {
    ...ending,
    status: 'failed',
    error: { code: 'internal_error', message: errorMeanings.internal_error.title },
    step: { ...ending.step, text: '', textTokens: null, reasoning: '', inputTokens: null },
  };
}
