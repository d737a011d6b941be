import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import type { FieldError } from '@nexus/protocol/field-error';

type Details = { cause?: unknown; fields?: FieldError[]; retryAfterMs?: number };

/**
 * The one error of this project. A foreign error becomes one where it enters; an abort reason is one too.
 * The message may be shown where the code's meaning says so: keep secrets, prompts and answers out of it.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly fields: FieldError[];
  /** Milliseconds after which the other side asked to be called again. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message?: string, details: Details = {}) {
    super(message ?? errorMeanings[code].title, { cause: details.cause });
    this.code = code;
    this.fields = details.fields ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }

  get retryable(): boolean {
    return errorMeanings[this.code].retryable;
  }
}

/** Any thrown value as an AppError; what is not ours becomes `internal_error` and keeps its cause for the log. */
export function toAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal_error', undefined, { cause: error });
}
