import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import type { FieldError } from '@nexus/protocol/field-error';

type Details = { cause?: unknown; fields?: FieldError[]; retryAfterMs?: number };

/**
 * The one error class of this project. A foreign error becomes an AppError where it enters. Abort reasons are AppErrors, too.
 * The code's meaning decides whether clients see the message: keep secrets, prompts and answers out of it.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly fields: FieldError[];
  /** Milliseconds to wait before the next call, as the other side asked. */
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

/** Any thrown value as an AppError. A foreign error becomes `internal_error`, with its cause for the log. */
export function toAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal_error', undefined, { cause: error });
}
