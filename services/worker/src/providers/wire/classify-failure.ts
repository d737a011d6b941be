import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { Failure } from './read-failure.ts';

const tooLong = [
  /context[ _-]?(length|window|size|limit)|exceed\w* (the )?(available |maximum )?context/i, // OpenAI, vLLM, llama.cpp, Ollama, Mistral
  /maximum prompt length|prompt (is )?too long|prompt exceeds|input (is |length )?(is )?too long|input length.*exceed/i, // xAI, Anthropic, Bedrock
  /longer than the maximum model length|too long to fit into the model|exceeded model token limit/i, // vLLM, Moonshot
  /max_new_tokens`? must be <=|`inputs` must have less than/i, // Together, Hugging Face
  /input token count|exceeds the maximum number of tokens|input tokens exceed/i, // Gemini, OpenAI
  /reduce the length|too large for model|range of input length|too many tokens/i, // Groq, Cerebras, Mistral, Qwen, Cohere
];
/** Within a rate limit as well: a request of more tokens than a minute may have never fits. */
const neverFits = /request too large|reduce your message size/i;
const tooLongNames =
  /context_length|context_window|exceed_context|context_size|string_above_max_length|request_too_large/;
const spent =
  /credit balance|credit limit|(insufficient|enough|any|out of|no|more|purchase|add) (credits?|balance|quota|funds)\b|key limit exceeded|payment required|spend(ing)? limit|arrears/i;
const spentNames =
  /insufficient_(quota|balance|credit|funds)|exceeded_current_quota|billing_hard_limit|billing_not_active|payment_required|perday/;
const quotaWords = /exceeded your current quota|quota exceeded/i;
const filteredNames = /content_?(filter|policy)|responsibleai|^moderation|data_inspection_failed|^sensitive/;
const filteredWords = /content (management )?polic|content filter|was flagged|safety system|inappropriate content/i;
const rateNames = /rate_?limit|too_?many_?requests|throttl|resource_exhausted/;
const keyNames =
  /(invalid|incorrect|missing|expired)_?api_?key|api_?key_?(invalid|expired)|authentication|unauthenticated|^unauthorized|invalid_token/;
const keyWords =
  /(invalid|incorrect|missing|expired|wrong|no|provide|revoked)\b.{0,20}(api[ _-]?key|token|credential)|api[ _-]?key.{0,40}(not valid|invalid|expired|missing|required|leaked|not found|disabled|revoked)|unauthorized|unauthenticated|authentication/i;
const placeNames = /unsupported_country|country|region_not/;
const placeWords = /\b(countr|region\b|territor|user location|your location|geograph)/i;
const modelNames =
  /model_not_(found|available|exist)|invalid_model|unknown_model|deploymentnotfound|model_not_supported/;
const modelWords =
  /\b(models?|deployment)\b[\s\S]{0,200}?(not found|(does not|doesn't|not) exist|not a valid model|is not available|is not a valid)|no such model|(invalid|unknown) model|not a valid model|no endpoints found|unable to access model|no deployment/i;
const elsewhereWords = /\b(model|organization|project|team|account|ip address|ip\b|origin|host|feature|terms|polic)/i;
const pathWords =
  /invalid url|page not found|unexpected endpoint|no (such )?route|route not found|cannot post|unknown (url|path|endpoint|route)|resource not found|file not found|no handler|method not allowed|^"?not found\.?"?$|requested url|no static resource/i;
const unavailableNames = /overload|server_error|internal|unavailable|timeout|engine|capacity|api_error/;
const rejectedNames =
  /invalid_request|bad_?request|invalid_argument|unprocessable|validation|unsupported|invalid_parameter|extra_forbidden/;

/** Chooses our code for a failure: by the provider's names for it, its words and its status. The most precise sign decides. */
export function classifyFailure(failure: Failure): ErrorCode {
  const { status, names, words, isPage } = failure;
  const named = (pattern: RegExp) => names.some((name) => pattern.test(name));
  const isRate = status === 429;
  if (isTooLong(failure, named)) return 'provider_context_too_long';
  if (isSpent(failure, named)) return 'provider_quota_exceeded';
  if (named(filteredNames) || (isRefusal(status) && filteredWords.test(words))) return 'provider_content_filtered';
  if (isRate || named(rateNames)) return 'provider_rate_limited';
  if (isAway(failure, named)) return 'provider_request_rejected';
  if (named(modelNames)) return 'provider_model_not_found';
  if (status === 401 || named(keyNames)) return 'provider_key_rejected';
  if (isWrongPath(failure)) return 'provider_request_rejected';
  if (status === 404 || (isRefusal(status) && modelWords.test(words))) return 'provider_model_not_found';
  if (isRefusal(status) && keyWords.test(words)) return 'provider_key_rejected';
  if (status === 403)
    return isPage || elsewhereWords.test(words) ? 'provider_request_rejected' : 'provider_key_rejected';
  if (status === undefined) return named(rejectedNames) ? 'provider_request_rejected' : 'provider_unavailable';
  if (status === 408 || status === 409 || status === 425 || status >= 500) return 'provider_unavailable';
  return named(unavailableNames) && status !== 400 ? 'provider_unavailable' : 'provider_request_rejected';
}

type Named = (pattern: RegExp) => boolean;

function isTooLong({ status, words }: Failure, named: Named): boolean {
  if (status === 413 || named(tooLongNames) || neverFits.test(words)) return true;
  return status !== 429 && status !== 401 && tooLong.some((pattern) => pattern.test(words));
}

/**
 * Gemini reports a quota error for a quota of one minute, too, with the time of the next try. For the quota of one day, or for a quota of 0, that
 * time does not help: a retry would fail in the same way.
 */
function isSpent({ status, words, retryAfterMs }: Failure, named: Named): boolean {
  if (status === 402 || named(spentNames) || spent.test(words)) return true;
  return quotaWords.test(words) && (retryAfterMs === undefined || /\blimit: 0\b/.test(words));
}

/** The provider refuses the country or address of the caller: another key would not help. */
function isAway({ status, words }: Failure, named: Named): boolean {
  return named(placeNames) || ((isRefusal(status) || status === 401) && placeWords.test(words));
}

/** Whether the address is wrong, and not the model's name. */
export function isWrongPath({ status, words, isPage, names }: Failure): boolean {
  if (status === 405) return true;
  const isSaid = pathWords.test(words) || (words.trim() === '' && names.length === 0);
  return (status === 404 && (isPage || isSaid)) || (status === undefined && /unexpected endpoint/i.test(words));
}

/** The statuses with which a provider refuses the content of a request. undefined: the error came inside a stream that began with status 200. */
function isRefusal(status: number | undefined): boolean {
  return status === undefined || status === 400 || status === 403 || status === 404 || status === 422 || status === 451;
}
