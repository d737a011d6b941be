/**
 * What each error code means.
 * status: the HTTP status of a response with this code. retryable: whether the same call can succeed later, unchanged.
 * exposed: whether a client may see the message. If not, the log has the message, and the client sees the title only.
 */
type ErrorMeaning = { status: number; title: string; retryable: boolean; exposed: boolean };

export type ErrorCode =
  // The request
  | 'invalid_request'
  | 'malformed_json'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'host_not_allowed'
  | 'not_found'
  | 'method_not_allowed'
  | 'agent_not_found'
  | 'agent_inactive'
  | 'agent_name_taken'
  | 'agent_slug_taken'
  | 'agent_connection_missing'
  | 'conversation_not_found'
  | 'conversation_busy'
  | 'invocation_not_found'
  | 'invalid_cursor'
  | 'idempotency_key_reused'
  | 'provider_not_configured'
  | 'unauthorized'
  | 'scope_missing'
  | 'origin_not_allowed'
  | 'key_not_found'
  | 'key_revoked'
  | 'workspace_not_found'
  | 'connection_not_found'
  | 'connection_name_taken'
  | 'address_not_allowed'
  | 'too_many_subscriptions'
  // Our own parts
  | 'configuration_invalid'
  | 'secret_missing'
  | 'database_unavailable'
  | 'redis_unavailable'
  | 'service_stopping'
  | 'internal_error'
  // Why an invocation did not complete
  | 'cancelled'
  | 'claim_lost'
  | 'worker_stopping'
  | 'worker_lost'
  | 'deadline_exceeded'
  | 'first_token_timeout'
  | 'idle_timeout'
  | 'total_timeout'
  // Errors of a provider
  | 'provider_unreachable'
  | 'provider_unavailable'
  | 'provider_rate_limited'
  | 'provider_quota_exceeded'
  | 'provider_key_rejected'
  | 'provider_model_not_found'
  | 'provider_context_too_long'
  | 'provider_content_filtered'
  | 'provider_request_rejected'
  | 'provider_protocol_error'
  | 'stream_interrupted';

export const errorMeanings = {
  invalid_request: { status: 422, title: 'The request is not valid', retryable: false, exposed: true },
  malformed_json: { status: 400, title: 'The body is not JSON', retryable: false, exposed: true },
  payload_too_large: { status: 413, title: 'The request is too large', retryable: false, exposed: true },
  unsupported_media_type: { status: 415, title: 'The body must be JSON', retryable: false, exposed: true },
  host_not_allowed: {
    status: 403,
    title: 'The service does not accept this host name',
    retryable: false,
    exposed: true,
  },
  not_found: { status: 404, title: 'There is nothing at this address', retryable: false, exposed: true },
  method_not_allowed: {
    status: 405,
    title: 'This address does not accept this method',
    retryable: false,
    exposed: true,
  },
  agent_not_found: { status: 404, title: 'There is no such agent', retryable: false, exposed: true },
  agent_inactive: { status: 409, title: 'The agent is not active', retryable: false, exposed: true },
  agent_slug_taken: { status: 409, title: 'Another agent has this slug', retryable: false, exposed: true },
  agent_name_taken: { status: 409, title: 'Another agent has this name', retryable: false, exposed: true },
  agent_connection_missing: {
    status: 409,
    title: 'The connection of the agent is gone',
    retryable: false,
    exposed: true,
  },
  conversation_not_found: { status: 404, title: 'There is no such conversation', retryable: false, exposed: true },
  conversation_busy: {
    status: 409,
    title: 'The conversation has an unfinished invocation',
    retryable: true,
    exposed: true,
  },
  invocation_not_found: { status: 404, title: 'There is no such invocation', retryable: false, exposed: true },
  invalid_cursor: { status: 422, title: 'The cursor is not valid', retryable: false, exposed: true },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used with another request',
    retryable: false,
    exposed: true,
  },
  provider_not_configured: { status: 409, title: 'The provider has no credentials', retryable: false, exposed: true },
  unauthorized: { status: 401, title: 'Credentials are missing or not valid', retryable: false, exposed: true },
  origin_not_allowed: { status: 403, title: 'Pages of this origin may not do this', retryable: false, exposed: true },
  key_not_found: { status: 404, title: 'There is no such key', retryable: false, exposed: true },
  key_revoked: { status: 409, title: 'The key is revoked', retryable: false, exposed: true },
  workspace_not_found: { status: 404, title: 'There is no such workspace', retryable: false, exposed: true },
  connection_not_found: { status: 404, title: 'There is no such connection', retryable: false, exposed: true },
  connection_name_taken: { status: 409, title: 'Another connection has this name', retryable: false, exposed: true },
  address_not_allowed: { status: 422, title: 'This address may not be called', retryable: false, exposed: true },
  scope_missing: { status: 403, title: 'The key may not do this', retryable: false, exposed: true },
  too_many_subscriptions: {
    status: 429,
    title: 'Too many subscriptions on one socket',
    retryable: false,
    exposed: true,
  },
  secret_missing: { status: 503, title: 'A secret of the installation is missing', retryable: false, exposed: true },
  configuration_invalid: { status: 500, title: 'The configuration is not valid', retryable: false, exposed: false },
  database_unavailable: {
    status: 503,
    title: 'The database is not available now',
    retryable: true,
    exposed: false,
  },
  redis_unavailable: { status: 503, title: 'Redis is not available now', retryable: true, exposed: false },
  service_stopping: { status: 503, title: 'The service is stopping', retryable: true, exposed: true },
  internal_error: { status: 500, title: 'The service had an internal error', retryable: true, exposed: false },
  cancelled: { status: 409, title: 'The invocation was cancelled', retryable: false, exposed: true },
  claim_lost: { status: 409, title: 'A newer attempt has the invocation', retryable: false, exposed: false },
  worker_stopping: { status: 503, title: 'The worker is stopping', retryable: true, exposed: false },
  worker_lost: { status: 500, title: 'The worker died while it answered', retryable: true, exposed: true },
  deadline_exceeded: { status: 504, title: 'The deadline of the invocation passed', retryable: true, exposed: true },
  first_token_timeout: {
    status: 504,
    title: 'The provider did not begin to answer in time',
    retryable: true,
    exposed: true,
  },
  idle_timeout: {
    status: 504,
    title: 'The provider stopped in the middle of its answer',
    retryable: true,
    exposed: true,
  },
  total_timeout: { status: 504, title: 'The answer took longer than the agent allows', retryable: true, exposed: true },
  provider_unreachable: { status: 502, title: 'The provider cannot be reached', retryable: true, exposed: true },
  provider_unavailable: {
    status: 502,
    title: 'The provider failed with an error of its own',
    retryable: true,
    exposed: true,
  },
  provider_rate_limited: { status: 429, title: 'The provider got too many requests', retryable: true, exposed: true },
  provider_quota_exceeded: {
    status: 402,
    title: 'The quota at the provider is used up',
    retryable: false,
    exposed: true,
  },
  provider_key_rejected: { status: 502, title: 'The provider rejected the key', retryable: false, exposed: true },
  provider_model_not_found: {
    status: 502,
    title: 'The provider does not have this model',
    retryable: false,
    exposed: true,
  },
  provider_context_too_long: {
    status: 502,
    title: 'The conversation is too long for the model',
    retryable: false,
    exposed: true,
  },
  provider_content_filtered: {
    status: 502,
    title: 'The provider refused the content',
    retryable: false,
    exposed: true,
  },
  provider_request_rejected: {
    status: 502,
    title: 'The provider rejected the request',
    retryable: false,
    exposed: true,
  },
  provider_protocol_error: {
    status: 502,
    title: 'The provider sent an answer that we cannot read',
    retryable: true,
    exposed: true,
  },
  stream_interrupted: { status: 502, title: 'The answer stopped before its end', retryable: true, exposed: true },
} satisfies Record<ErrorCode, ErrorMeaning>;
