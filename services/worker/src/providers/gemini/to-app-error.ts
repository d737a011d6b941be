import { type ErrorDetails, GoogleGenerativeAIError, GoogleGenerativeAIFetchError } from '@google/generative-ai';
import { AppError } from '@nexus/common/errors/app-error';
import { fromStatus, keyRejected, type ProviderIdentity, quote, unreachable } from '../provider-error.ts';
import { GeminiStreamError } from './from-stream.ts';

/** Of google.rpc.QuotaFailure, as Gemini fills it. */
type Violation = { quotaId?: string };

/**
 * What the client library throws, as ours. It wraps failures of the connection in an error that keeps only their words, and names the
 * whole URL in all of them: its messages are told by their beginnings and quoted only past the address.
 */
export function fromGeminiError(identity: ProviderIdentity, error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof GeminiStreamError) return fromFailure(identity, error.status, error.message, [], error);
  if (error instanceof GoogleGenerativeAIFetchError) {
    const message = error.message.replace(/^.*?\[\d+ [^\]]*\] ?/s, '');
    const details = Array.isArray(error.errorDetails) ? error.errorDetails : [];
    return fromFailure(identity, error.status, message, details, error);
  }
  if (error instanceof GoogleGenerativeAIError) {
    if (/Error fetching from/.test(error.message)) return unreachable(identity, error);
    if (/Error parsing JSON response/.test(error.message)) return new AppError('provider_protocol_error');
    if (/Failed to parse stream/.test(error.message))
      return new AppError('stream_interrupted', 'Gemini broke off in the middle of a line');
  }
  return new AppError('stream_interrupted', 'The connection to Gemini broke', { cause: error });
}

function fromFailure(
  identity: ProviderIdentity,
  status: number | undefined,
  message: string,
  details: ErrorDetails[],
  cause: unknown,
): AppError {
  const retryAfterMs = readRetryDelay(details);
  const said = `Gemini: ${quote(message)}`;
  if (/api[ _]key/i.test(message) && status === 400) return keyRejected(identity, cause);
  if (status === 400 && /token count|exceeds the maximum number of tokens/i.test(message)) {
    return new AppError('provider_context_too_long', said, { cause });
  }
  if (status === 429 && (isSpent(message, details) || (/quota/i.test(message) && retryAfterMs === undefined))) {
    return new AppError('provider_quota_exceeded', said, { cause });
  }
  return fromStatus(identity, { status: status ?? 500, message, retryAfterMs, cause });
}

/** A quota of a day, or of nothing at all. Gemini says beside it to come back in a minute, when it would be as spent as now. */
function isSpent(message: string, details: ErrorDetails[]): boolean {
  const violations = details.flatMap(({ violations }) =>
    Array.isArray(violations) ? (violations as Violation[]) : [],
  );
  return violations.some(({ quotaId }) => /PerDay/.test(quotaId ?? '')) || /\blimit: 0\b/.test(message);
}

/** google.rpc.RetryInfo: `{ "@type": "…RetryInfo", "retryDelay": "27s" }`. */
function readRetryDelay(details: ErrorDetails[]): number | undefined {
  for (const { retryDelay } of details) {
    const seconds = typeof retryDelay === 'string' ? Number.parseFloat(retryDelay) : Number.NaN;
    if (Number.isFinite(seconds)) return seconds * 1_000;
  }
  return undefined;
}
