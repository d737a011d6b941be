import { AppError } from '@nexus/common/errors/app-error';
import type { ErrorCode } from '@nexus/protocol/error-codes';

/** How a provider's failure is told to a user: which variable holds its key, and where it was called. */
export type ProviderIdentity = { title: string; keyVariable: string | null; baseUrl: string };

export type ProviderFailure = {
  status: number | undefined;
  message: string;
  retryAfterMs?: number | undefined;
  cause: unknown;
};

const longestMessage = 300;

/** What looks like a key of OpenAI or of Google, whoever quotes it. */
const keyPattern = /\b(sk-[\w*-]{6,}|AIza[\w*-]{10,})/g;

/** The provider's own words, short, without anything that looks like a key, and without NUL, which Postgres cannot store. */
export function quote(message: string): string {
  const clean = message.replaceAll('\0', ' ').replaceAll(keyPattern, '[key]').replaceAll(/\s+/g, ' ').trim();
  return clean.length > longestMessage ? `${clean.slice(0, longestMessage)}…` : clean;
}

/** A failure that has an HTTP status, where the provider's own error code did not already say more. */
export function fromStatus(
  identity: ProviderIdentity,
  { status = 0, message, retryAfterMs, cause }: ProviderFailure,
): AppError {
  const code = codeOf(status);
  const details = { cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  if (code === 'provider_key_rejected') return keyRejected(identity, cause);
  return new AppError(code, `${identity.title} answered ${status}: ${quote(message)}`, details);
}

function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'provider_key_rejected';
  if (status === 402) return 'provider_quota_exceeded';
  if (status === 404) return 'provider_model_not_found';
  if (status === 429) return 'provider_rate_limited';
  if (status === 408 || status === 409 || status >= 500) return 'provider_unavailable';
  return 'provider_request_rejected';
}

export function keyRejected({ title, keyVariable, baseUrl }: ProviderIdentity, cause: unknown): AppError {
  const advice =
    keyVariable === null ? `Check what ${hostOf(baseUrl)} asks for` : `Check ${keyVariable} where the worker runs`;
  return new AppError('provider_key_rejected', `${title} rejected the credentials. ${advice}.`, { cause });
}

/** No answer at all: refused, unknown host, reset before the first byte. */
export function unreachable({ title, baseUrl }: ProviderIdentity, cause: unknown): AppError {
  const reason = systemCodeOf(cause);
  return new AppError(
    'provider_unreachable',
    `${title} cannot be reached at ${hostOf(baseUrl)}${reason ? ` (${reason})` : ''}`,
    { cause },
  );
}

/** Host and port only: a URL may hold credentials. */
function hostOf(baseUrl: string): string {
  return new URL(baseUrl).host;
}

/** The system's name for what went wrong on the connection, wherever in the chain of causes it stands. */
export function systemCodeOf(error: unknown): string | null {
  for (let depth = 0, next = error; depth < 6 && typeof next === 'object' && next !== null; depth += 1) {
    const { code, cause, errors } = next as { code?: unknown; cause?: unknown; errors?: unknown[] };
    if (typeof code === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(code)) return code;
    next = cause ?? errors?.[0];
  }
  return null;
}

/** Milliseconds from a Retry-After header (seconds or a date), or from OpenAI's finer `retry-after-ms`. */
export function readRetryAfter(headers: Headers | undefined, now = Date.now()): number | undefined {
  const fine = headers?.get('retry-after-ms');
  if (fine && Number.isFinite(Number(fine))) return Math.max(0, Number(fine));
  const text = headers?.get('retry-after');
  if (!text) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
