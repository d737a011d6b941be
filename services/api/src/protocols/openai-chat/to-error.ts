import type { AppError } from '@nexus/common/errors/app-error';
import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import { z } from 'zod';
import type { Refusal } from '../protocol.ts';

type OpenAiError = { status: number; type: string; code: string | null };

const invalid = (status: number, code: string | null = null): OpenAiError => ({
  status,
  type: 'invalid_request_error',
  code,
});
const tooMany: OpenAiError = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' };
const failed = (status: number, code: string): OpenAiError => ({ status, type: 'server_error', code });

/**
 * What each of our codes is to a client of OpenAI's: it knows a status, a type, and some codes by name. What a provider did is a failure
 * of ours to the client, unless the request itself was the reason.
 */
const openAiErrors = {
  invalid_request: invalid(400),
  malformed_json: invalid(400),
  payload_too_large: invalid(413),
  unsupported_media_type: invalid(415),
  host_not_allowed: invalid(403, 'host_not_allowed'),
  not_found: invalid(404, 'unknown_url'),
  method_not_allowed: invalid(405, 'method_not_allowed'),
  agent_not_found: invalid(404, 'model_not_found'),
  agent_inactive: invalid(404, 'model_not_found'),
  agent_name_taken: invalid(409, 'agent_name_taken'),
  agent_slug_taken: invalid(409, 'agent_slug_taken'),
  agent_connection_missing: failed(503, 'agent_connection_missing'),
  connection_not_found: invalid(404, 'connection_not_found'),
  connection_name_taken: invalid(409, 'connection_name_taken'),
  address_not_allowed: invalid(400, 'address_not_allowed'),
  conversation_not_found: invalid(404, 'conversation_not_found'),
  conversation_busy: invalid(409, 'conversation_busy'),
  invocation_not_found: invalid(404, 'invocation_not_found'),
  invalid_cursor: invalid(400),
  idempotency_key_reused: invalid(400, 'idempotency_key_reused'),
  provider_not_configured: failed(503, 'provider_not_configured'),
  unauthorized: invalid(401, 'invalid_api_key'),
  scope_missing: invalid(403, 'insufficient_permissions'),
  origin_not_allowed: invalid(403, 'origin_not_allowed'),
  key_not_found: invalid(404, 'key_not_found'),
  key_revoked: invalid(409, 'key_revoked'),
  workspace_not_found: invalid(404, 'workspace_not_found'),
  rate_limited: tooMany,
  too_many_streams: tooMany,
  too_many_subscriptions: tooMany,
  workspace_full: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  configuration_invalid: failed(500, 'internal_error'),
  secret_missing: failed(503, 'secret_missing'),
  database_unavailable: failed(503, 'database_unavailable'),
  redis_unavailable: failed(503, 'redis_unavailable'),
  service_stopping: failed(503, 'service_stopping'),
  internal_error: failed(500, 'internal_error'),
  cancelled: invalid(409, 'cancelled'),
  claim_lost: failed(500, 'internal_error'),
  worker_stopping: failed(503, 'worker_stopping'),
  worker_lost: failed(503, 'worker_lost'),
  deadline_exceeded: failed(504, 'deadline_exceeded'),
  first_token_timeout: failed(504, 'first_token_timeout'),
  idle_timeout: failed(504, 'idle_timeout'),
  total_timeout: failed(504, 'total_timeout'),
  provider_unreachable: failed(502, 'provider_unreachable'),
  provider_unavailable: failed(502, 'provider_unavailable'),
  provider_rate_limited: failed(503, 'provider_rate_limited'),
  provider_quota_exceeded: failed(503, 'provider_quota_exceeded'),
  provider_key_rejected: failed(502, 'provider_key_rejected'),
  provider_model_not_found: failed(502, 'provider_model_not_found'),
  provider_context_too_long: invalid(400, 'context_length_exceeded'),
  provider_content_filtered: invalid(400, 'content_filter'),
  provider_request_rejected: failed(502, 'provider_request_rejected'),
  provider_protocol_error: failed(502, 'provider_protocol_error'),
  stream_interrupted: failed(502, 'stream_interrupted'),
} satisfies Record<ErrorCode, OpenAiError>;

/** Fields of ours by the parameter that they come from. */
const parameters: Record<string, string> = {
  agentId: 'model',
  message: 'messages',
  userId: 'user',
  'overrides.temperature': 'temperature',
  'overrides.topP': 'top_p',
  'overrides.maxOutputTokens': 'max_completion_tokens',
};

export const errorSchema = z
  .strictObject({
    error: z.strictObject({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable().describe('The parameter that is to blame'),
      code: z.string().nullable(),
    }),
  })
  .meta({ id: 'OpenAiError' });

/** An error as OpenAI's servers have it. Their clients try again by the status, unless they are told that it is of no use. */
export function toError({ code, message, fields }: AppError, address = ''): Refusal {
  const { status, type, code: shownCode } = openAiErrors[code];
  const { title, exposed, retryable } = errorMeanings[code];
  const shown = code === 'not_found' ? `Unknown request URL: ${address}` : exposed ? message : title;
  return {
    status,
    headers: retryable ? {} : { 'x-should-retry': 'false' },
    body: { error: { message: shown, type, param: toParameter(fields[0]?.field), code: shownCode } },
  };
}

/** `messages.0.role` → `messages[0].role`. */
function toParameter(field: string | undefined): string | null {
  if (field === undefined || field === 'body') return null;
  return parameters[field] ?? field.replaceAll(/\.(\d+)(?=\.|$)/g, '[$1]');
}
