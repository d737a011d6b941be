import { describe, expect, it } from 'vitest';
import { classifyFailure } from './classify-failure.ts';
import { quote } from './quote.ts';
import { readFailure } from './read-failure.ts';

/** [server, status of the head (undefined: inside a stream that began with status 200), body] */
type Said = [who: string, status: number | undefined, body: unknown];
const error = (message: string, more: object = {}) => ({ error: { message, ...more } });

const tooLong: Said[] = [
  [
    'OpenAI',
    400,
    error("This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.", {
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    }),
  ],
  ['OpenAI, newer', 400, error('Input tokens exceed the configured limit of 272000 tokens.')],
  [
    'llama.cpp',
    400,
    error('the request exceeds the available context size. try increasing the context size or enable context shift', {
      code: 400,
      type: 'exceed_context_size_error',
      n_prompt_tokens: 14429,
      n_ctx: 8192,
    }),
  ],
  ['llama.cpp, older', 500, error('request (1407 tokens) exceeds the available context size', { code: 500 })],
  ['llama.cpp, with a good status', undefined, error('too big', { code: 400, type: 'exceed_context_size_error' })],
  [
    'vLLM',
    400,
    {
      object: 'error',
      message: 'The decoder prompt (length 10127) is longer than the maximum model length of 8192.',
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
  ],
  [
    'vLLM, newer',
    400,
    error("This model's maximum context length is 2048 tokens. However, your request has 8 input tokens plus 2045.", {
      type: 'BadRequestError',
      param: 'input_tokens, max_tokens',
      code: 400,
    }),
  ],
  ['vLLM, with images', 400, { message: 'The prompt (total length 25938) is too long to fit into the model' }],
  [
    'xAI',
    400,
    {
      code: 'Client specified an invalid argument',
      error: "This model's maximum prompt length is 131072 but the request contains 136973 tokens.",
    },
  ],
  ['Anthropic', 400, { type: 'error', ...error('prompt is too long: 202128 tokens > 200000 maximum', { type: 'x' }) }],
  [
    'Together',
    422,
    error('Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens', {
      type: 'invalid_request_error',
    }),
  ],
  ['Gemini', 400, error('The input token count (9000) exceeds the maximum number of tokens allowed (8192).')],
  ['Ollama', 400, { error: 'the input length exceeds the context length' }],
  ['LM Studio', undefined, { error: 'Trying to keep the first 4567 tokens when the context length is only 4096' }],
  ['llama-cpp-python', 400, error('Requested tokens (2285) exceed context window of 2048')],
  ['Mistral', 400, { message: 'Prompt contains 40000 tokens, too large for model with 32768 maximum context length' }],
  ['Groq', 400, error('Please reduce the length of the messages or completion.', { code: 'context_length_exceeded' })],
  [
    'Groq, of a minute that is too short for it',
    413,
    error('Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 14810', {
      type: 'tokens',
      code: 'rate_limit_exceeded',
    }),
  ],
  ['Bedrock', 400, { message: 'Input is too long for requested model.' }],
  ['Moonshot', 400, error('Your request exceeded model token limit: 8192')],
  ['nginx', 413, '<html><head><title>413 Request Entity Too Large</title></head></html>'],
];

const spent: Said[] = [
  ['OpenAI', 429, error('You exceeded your current quota', { type: 'insufficient_quota', code: 'insufficient_quota' })],
  ['OpenRouter', 402, error('Insufficient credits. Add more using https://openrouter.ai/credits', { code: 402 })],
  ['OpenRouter, inside an answer', undefined, { error: { code: 402, message: 'Insufficient credits' } }],
  ['a status alone, inside an answer', undefined, { error: { code: 402 } }],
  ['a status as text, inside an answer', undefined, { error: { code: '402' } }],
  ['OpenRouter, of a key', 403, error('Key limit exceeded (total limit).', { code: 403 })],
  [
    'xAI',
    403,
    {
      code: 'The caller does not have permission to execute the specified operation',
      error: "Your newly created team doesn't have any credits yet. You can purchase credits on https://console.x.ai",
    },
  ],
  ['DeepSeek', 402, error('Insufficient Balance', { type: 'unknown_error', code: 'invalid_request_error' })],
  ['Anthropic', 400, error('Your credit balance is too low to access the Anthropic API.')],
  ['Moonshot', 429, error('Your account is suspended', { type: 'exceeded_current_quota_error' })],
];

const limited: Said[] = [
  [
    'OpenAI',
    429,
    error(
      'Rate limit reached for gpt-4o on requests per min. Please try again in 20s. Please add a payment method to your account to increase your rate limit. Visit https://platform.openai.com/account/billing',
      { type: 'requests', code: 'rate_limit_exceeded' },
    ),
  ],
  ['inside an answer', undefined, { error: { code: 429 } }],
  ['inside an answer, by its type', undefined, error('slow down', { type: 'rate_limit_error' })],
  [
    'OpenRouter',
    429,
    error('Provider returned error', { code: 429, metadata: { raw: 'x is temporarily rate-limited upstream.' } }),
  ],
  ['Bedrock', 429, { message: 'Too many tokens, please wait before trying again.' }],
  ['vLLM of a model whose context is full of words', 429, error('context length')],
];

const keys: Said[] = [
  ['OpenAI', 401, error('Incorrect API key provided', { code: 'invalid_api_key' })],
  ['Mistral', 401, { message: 'Unauthorized', request_id: 'x' }],
  ['xAI', 400, { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: xa***23.' }],
  ['Gemini', 400, error('API key not valid. Please pass a valid API key.', { status: 'INVALID_ARGUMENT' })],
  ['Azure', 401, { statusCode: 401, message: 'Access denied due to invalid subscription key' }],
  ['OpenAI of a restricted key', 403, error('You have insufficient permissions for this operation. Missing scopes')],
];

const models: Said[] = [
  ['OpenAI', 404, error('The model `x` does not exist or you do not have access to it.', { code: 'model_not_found' })],
  ['OpenAI of a project', 403, error('Project `p` does not have access to model `x`', { code: 'model_not_found' })],
  ['vLLM', 404, { object: 'error', message: 'The model `x` does not exist.', type: 'NotFoundError', code: 404 }],
  ['Mistral', 400, { object: 'error', message: 'Invalid model: x', type: 'invalid_model', code: '1500' }],
  ['DeepSeek', 400, error('Model Not Exist', { type: 'invalid_request_error', code: 'invalid_request_error' })],
  ['OpenRouter', 400, error('x is not a valid model ID', { code: 400 })],
  ['OpenRouter of a model without servers', 404, error('No endpoints found for x.', { code: 404 })],
  ['Azure', 404, error('The API deployment for this resource does not exist.', { code: 'DeploymentNotFound' })],
  ['Ollama', 404, { error: "model 'x' not found" }],
  ['Together', 404, error('Unable to access model x.', { code: 'model_not_available' })],
];

const rejected: Said[] = [
  [
    'OpenAI of a country',
    403,
    error('Country, region, or territory not supported', { code: 'unsupported_country_region_territory' }),
  ],
  ['Gemini of a country', 400, error('User location is not supported for the API use.')],
  [
    'Groq of a model that is blocked',
    403,
    error('The model `x` is blocked at the organization level', { code: 'model_permission_blocked_org' }),
  ],
  ['OpenAI of an address', 404, error('Invalid URL (POST /chat/completions)', { type: 'invalid_request_error' })],
  ['llama.cpp of an address', 404, error('File Not Found', { code: 404, type: 'not_found_error' })],
  ['LM Studio of an address', undefined, { error: 'Unexpected endpoint or method. (POST /chat/completions)' }],
  ['Azure of an address', 404, error('Resource not found', { code: '404' })],
  ['inside an answer', undefined, error('no', { type: 'invalid_request_error' })],
  ['OpenAI of a limit', 400, error('max_tokens is too large: 100000. This model supports at most 16384.')],
];

const filtered: Said[] = [
  [
    'Azure',
    400,
    error("The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", {
      code: 'content_filter',
      innererror: { code: 'ResponsibleAIPolicyViolation' },
    }),
  ],
  ['OpenRouter', 403, error('x requires moderation. Your input was flagged', { metadata: { flagged_input: 'x' } })],
  ['Qwen', 400, error('Input data may contain inappropriate content.', { code: 'data_inspection_failed' })],
];

const unavailable: Said[] = [
  ['OpenRouter, inside an answer', undefined, { error: { code: 502, message: 'Provider disconnected' } }],
  ['Anthropic', 529, { type: 'error', ...error('Overloaded', { type: 'overloaded_error' }) }],
  ['a region that is down', 503, error('The region eu-west is unavailable')],
  ['nobody', undefined, { error: 'something' }],
  ['a gateway', 504, '<html><head><title>504 Gateway Time-out</title></head></html>'],
];

describe('readFailure', () => {
  it.each([
    [
      { detail: [{ loc: ['body', 'messages'], msg: 'field required', input: 'secret' }] },
      'body.messages: field required',
    ],
    [{ message: "[{'loc': ('body',), 'msg': 'field required', 'input': {'messages': 'secret'}}]" }, /field required/],
    [error('Provider returned error', { metadata: { raw: '{"error":{"message":"inner words"}}' } }), 'inner words'],
    [error('Provider returned error', { metadata: { raw: '<html><title>Bad Gateway</title>secret' } }), 'Bad Gateway'],
    [error('flagged', { metadata: { flagged_input: 'secret' } }), 'flagged'],
  ])('shows the words of %o, and nothing that we sent', (body, words) => {
    const failure = readFailure(body, 400);
    expect(failure.words).toMatch(words);
    expect(failure.words).not.toContain('secret');
  });

  it('ends in circular and very deep errors', () => {
    let nested: object = { message: 'deep' };
    for (let depth = 0; depth < 10_000; depth += 1) nested = { error: nested };
    expect(readFailure(nested).words).toBe('');
  });
});

describe('classifyFailure', () => {
  it.each(tooLong)('recognizes a context that is too long: %s', (_who, status, body) => {
    expect(classifyFailure(readFailure(body, status))).toBe('provider_context_too_long');
  });
  it.each(spent)('recognizes a used-up account: %s', (_who, status, body) => {
    expect(classifyFailure(readFailure(body, status))).toBe('provider_quota_exceeded');
  });
  it.each(limited)('recognizes a rate limit: %s', (_who, status, body) => {
    expect(classifyFailure(readFailure(body, status))).toBe('provider_rate_limited');
  });
  it.each(keys)('recognizes a bad key: %s', (_who, status, body) => {
    expect(classifyFailure(readFailure(body, status))).toBe('provider_key_rejected');
  });
  it.each(models)('recognizes an unknown model: %s', (_who, status, body) => {
    expect(classifyFailure(readFailure(body, status))).toBe('provider_model_not_found');
  });
  it.each(rejected)('recognizes a request that is refused for other reasons: %s', (_who, status, body) => {
    expect(classifyFailure(readFailure(body, status))).toBe('provider_request_rejected');
  });
  it.each(filtered)('recognizes refused content: %s', (_who, status, body) => {
    expect(classifyFailure(readFailure(body, status))).toBe('provider_content_filtered');
  });
  it.each(unavailable)('recognizes a failure that may pass: %s', (_who, status, body) => {
    expect(classifyFailure(readFailure(body, status))).toBe('provider_unavailable');
  });

  it('is quick also with very long messages', () => {
    const begunAt = performance.now();
    for (const word of [
      'x',
      'model ',
      'api key ',
      'exceed ',
      'no token ',
      'x*',
      'input length ',
      '<html><title',
      "'input",
    ]) {
      const failure = readFailure(word.repeat(60_000 / word.length), 400);
      classifyFailure(failure);
      quote(failure.words);
    }
    expect(performance.now() - begunAt).toBeLessThan(500);
  });
});
