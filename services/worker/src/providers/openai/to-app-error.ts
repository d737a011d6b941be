import { AppError } from '@nexus/common/errors/app-error';
import { APIConnectionError, APIError } from 'openai';
import {
  fromStatus,
  keyRejected,
  type ProviderIdentity,
  quote,
  readRetryAfter,
  systemCodeOf,
  unreachable,
} from '../provider-error.ts';

/** What the client library throws, or an error object inside a stream, as ours. */
export function fromOpenAiError(identity: ProviderIdentity, error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof APIConnectionError) return unreachable(identity, error);
  if (error instanceof APIError) return fromApiError(identity, error);
  if (error instanceof SyntaxError)
    return new AppError('provider_protocol_error', undefined, { cause: withoutText(error) });
  const reason = systemCodeOf(error);
  return new AppError(
    'stream_interrupted',
    `The connection to ${identity.title} broke${reason ? ` (${reason})` : ''}`,
    { cause: error },
  );
}

function fromApiError(identity: ProviderIdentity, error: APIError): AppError {
  const { status, message } = error;
  const code = error.code ?? error.type ?? '';
  const said = `${identity.title}: ${quote(message)}`;
  if (code === 'insufficient_quota') return new AppError('provider_quota_exceeded', said, { cause: error });
  if (code === 'context_length_exceeded' || /maximum context length|context_length/i.test(message)) {
    return new AppError('provider_context_too_long', said, { cause: error });
  }
  if (code === 'content_filter' || code === 'content_policy_violation') {
    return new AppError('provider_content_filtered', said, { cause: error });
  }
  if (code === 'model_not_found') return new AppError('provider_model_not_found', said, { cause: error });
  if (code === 'invalid_api_key') return keyRejected(identity, error);
  if (status === undefined) return fromErrorInStream(code, said, error);
  return fromStatus(identity, { status, message, retryAfterMs: readRetryAfter(error.headers), cause: error });
}

/** Inside a stream that began with 200 there is no status: only the error's own type tells. */
function fromErrorInStream(code: string, said: string, cause: unknown): AppError {
  if (/rate_limit/.test(code)) return new AppError('provider_rate_limited', said, { cause });
  if (/invalid_request/.test(code)) return new AppError('provider_request_rejected', said, { cause });
  return new AppError('provider_unavailable', said, { cause });
}

/** A parser quotes what it could not read, which may be an answer. */
function withoutText(error: Error): Error {
  return new Error(`${error.name} while reading the stream`);
}
