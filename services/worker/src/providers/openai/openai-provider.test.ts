import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Answer, collect, failureOf, hello } from '../testing/collect.ts';
import { describeWire } from '../testing/describe-wire.ts';
import { openWireServer, type WireServer } from '../testing/open-wire-server.ts';
import { createOpenAiProvider } from './openai-provider.ts';

const apiKey = 'sk-test-0123456789abcdef';
const never = new AbortController().signal;
const event = (data: unknown, end = '\n\n') => `data: ${JSON.stringify(data)}${end}`;
const delta = (text: string) => event({ choices: [{ index: 0, delta: { content: text } }] });
const finish = (reason: string, usage?: object) =>
  event({ choices: [{ index: 0, delta: {}, finish_reason: reason }], ...(usage ? { usage } : {}) });
const done = 'data: [DONE]\n\n';
const wrong = (delta: object, more: object = {}) => event({ choices: [{ index: 0, delta, ...more }] });

describeWire({
  name: 'OpenAI',
  create: (baseUrl) => createOpenAiProvider({ apiKey, baseUrl }),
  baseUrlVariable: 'OPENAI_BASE_URL',
  key: { header: 'authorization', value: `Bearer ${apiKey}` },
  fixture: new URL('./fixtures/answer.sse', import.meta.url),
  contentType: 'text/event-stream',
  delta,
  finish: (reason, counts) =>
    finish(
      reason,
      counts && {
        prompt_tokens: counts.input,
        completion_tokens: counts.output,
        prompt_tokens_details: { cached_tokens: counts.cached },
      },
    ),
  endMark: done,
  reasons: {
    stop: 'stop',
    length: ['length', 'max_tokens', 'length_limit', 'model_length', 'MAX_TOKENS'],
    failure: ['error', 'network_error', 'abort', 'engine_error', 'insufficient_system_resource'],
  },
  errorInStream: event({ error: { message: 'overloaded', type: 'server_error' } }),
  wrongTypes: [
    ['an event', event('secret')],
    ['an event', event(['secret'])],
    ['choices', event({ choices: 'secret' })],
    ['choices[0]', event({ choices: ['secret'] })],
    ['choices[0].delta', event({ choices: [{ delta: 'secret' }] })],
    ['choices[0].delta.content', wrong({ content: { secret: 1 } })],
    ['choices[0].delta.content', wrong({ content: 42, secret: 1 })],
    ['choices[0].delta.content', wrong({ content: true, secret: 1 })],
    ['choices[0].delta.content[1]', wrong({ content: ['a', 7], secret: 1 })],
    ['choices[0].delta.content[0]', wrong({ content: [{ type: 'image_url', image_url: 'secret' }] })],
    ['choices[0].delta.content[0].text', wrong({ content: [{ type: 'text', text: { secret: 1 } }] })],
    ['choices[0].delta.reasoning', wrong({ reasoning: { secret: 1 } })],
    ['choices[0].delta.reasoning_content', wrong({ reasoning_content: 1, secret: 1 })],
    ['choices[0].delta.refusal', wrong({ refusal: { secret: 1 } })],
    ['choices[0].finish_reason', wrong({}, { finish_reason: { secret: 1 } })],
  ],
});

describe('OpenAI', () => {
  let server: WireServer;
  beforeAll(async () => {
    server = await openWireServer();
  });
  afterAll(() => server.close());
  const ask =
    (more: Partial<typeof hello> = {}): Answer =>
    (onPart) =>
      createOpenAiProvider({ apiKey, baseUrl: server.url }).stream({ ...hello, ...more }, onPart, never);

  it('is asked with the system prompt, the history and every setting', async () => {
    server.reply({ pieces: [delta('a'), finish('stop'), done] });
    const messages = [
      { role: 'user' as const, content: 'one' },
      { role: 'assistant' as const, content: 'two' },
      { role: 'user' as const, content: 'three' },
    ];
    await collect(
      ask({ model: 'gpt-4', systemPrompt: 'Be brief.', messages, temperature: 0.5, topP: 0.9, maxOutputTokens: 100 }),
    );
    expect(server.calls.at(-1)).toMatchObject({
      path: '/chat/completions',
      headers: { authorization: `Bearer ${apiKey}` },
    });
    expect(server.calls.at(-1)?.body).toEqual({
      model: 'gpt-4',
      messages: [{ role: 'system', content: 'Be brief.' }, ...messages],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 100,
    });
  });

  it('sends no setting of the shell to another server', async () => {
    vi.stubEnv('OPENAI_ORG_ID', 'org-of-the-shell');
    vi.stubEnv('OPENAI_PROJECT_ID', 'project-of-the-shell');
    vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'X-Custom: of-the-shell\nAuthorization: Bearer of-the-shell');
    server.reply({ pieces: [delta('a'), finish('stop'), done] });
    await collect(ask());
    vi.unstubAllEnvs();
    expect(server.calls.at(-1)?.headers.authorization).toBe(`Bearer ${apiKey}`);
    expect(JSON.stringify(server.calls.at(-1)?.headers)).not.toContain('of-the-shell');
  });

  it('sends no sampling parameters to a reasoning model, and the newer name of the limit', async () => {
    server.reply({ pieces: [delta('a'), finish('stop'), done] });
    await collect(ask({ model: 'o3-mini', temperature: 0.5, topP: 0.9, maxOutputTokens: 100 }));
    expect(server.calls.at(-1)?.body).toMatchObject({ max_completion_tokens: 100 });
    for (const field of ['temperature', 'top_p', 'max_tokens'])
      expect(server.calls.at(-1)?.body).not.toHaveProperty(field);
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'tool_calls'],
    ['something_new', 'other'],
  ])('keeps the finish reason %s as %s', async (rawReason, reason) => {
    server.reply({ pieces: [delta('a'), finish(rawReason), done] });
    expect((await collect(ask())).finish).toMatchObject({ reason, rawReason });
  });

  it('reads CRLF, comments, chunks without choices and cached tokens', async () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 3 },
    };
    server.reply({
      pieces: [
        ': keepalive\r\n\r\n',
        event({ choices: [] }, '\r\n\r\n'),
        event({ choices: [{ index: 0, delta: { content: 'a' } }] }, '\r\n\r\n'),
        event({ choices: [{ index: 0 }] }),
        finish('stop'),
        event({ choices: [], usage }),
        done,
      ],
    });
    const { text, finish: end } = await collect(ask());
    expect(text).toBe('a');
    expect(end.usage).toEqual({ inputTokens: 5, outputTokens: 2, cachedTokens: 3, source: 'provider' });
  });

  it.each(['reasoning_content', 'reasoning'])('gives the field %s as reasoning', async (field) => {
    server.reply({
      pieces: [event({ choices: [{ index: 0, delta: { [field]: 'hm' } }] }), delta('a'), finish('stop'), done],
    });
    expect(await collect(ask())).toMatchObject({ text: 'a', reasoning: 'hm' });
  });

  it.each([
    [401, { message: `Incorrect API key provided: ${apiKey}.`, code: 'invalid_api_key' }, 'provider_key_rejected'],
    [404, { message: 'The model `x` does not exist', code: 'model_not_found' }, 'provider_model_not_found'],
    [429, { message: 'You exceeded your current quota', code: 'insufficient_quota' }, 'provider_quota_exceeded'],
    [429, { message: 'Rate limit reached', code: 'rate_limit_exceeded' }, 'provider_rate_limited'],
    [
      400,
      { message: "This model's maximum context length is 8192 tokens", code: 'context_length_exceeded' },
      'provider_context_too_long',
    ],
    [400, { message: 'The response was filtered', code: 'content_filter' }, 'provider_content_filtered'],
  ])('translates %i %o to %s, without the key', async (status, error, code) => {
    server.reply({ status, headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify({ error })] });
    const failure = (await failureOf(ask())) as Error & { code: string };
    expect(failure.code).toBe(code);
    expect(failure.message).not.toContain(apiKey);
    if (code === 'provider_key_rejected') expect(failure.message).toContain('OPENAI_API_KEY');
  });

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after': 'nonsense' }, undefined],
    [{}, undefined],
  ])('reads how long to wait from %o', async (headers, retryAfterMs) => {
    server.reply({
      status: 429,
      headers: { 'content-type': 'application/json', ...headers },
      pieces: ['{"error":{"message":"slow down"}}'],
    });
    expect(await failureOf(ask())).toMatchObject({ code: 'provider_rate_limited', retryAfterMs });
  });

  it('reads the date of the next try', async () => {
    const date = new Date(Date.now() + 20_000).toUTCString();
    server.reply({ status: 429, headers: { 'content-type': 'application/json', 'retry-after': date }, pieces: ['{}'] });
    const { retryAfterMs } = (await failureOf(ask())) as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(15_000);
    expect(retryAfterMs).toBeLessThanOrEqual(20_000);
  });

  it.each([
    ['as JSON', 'application/json', undefined],
    ['as JSON over several lines', 'application/json; charset=utf-8', 2],
    ['without saying what it is', '', undefined],
  ])('reads a whole answer of a server that does not stream, %s', async (_how, contentType, space) => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 4,
      total_tokens: 9,
      completion_tokens_details: { reasoning_tokens: 1 },
    };
    const message = { role: 'assistant', content: 'a\ndata: b', reasoning_content: 'hm' };
    const whole = {
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: 'length' }],
      usage,
    };
    const headers: Record<string, string> = contentType === '' ? {} : { 'content-type': contentType };
    server.reply({ headers, pieces: [JSON.stringify(whole, null, space)] });
    expect(await collect(ask())).toEqual({
      text: 'a\ndata: b',
      reasoning: 'hm',
      finish: {
        reason: 'length',
        rawReason: 'length',
        usage: { inputTokens: 5, outputTokens: 4, cachedTokens: 0, reasoningTokens: 1, source: 'provider' },
        textTokens: 3,
      },
    });
  });

  it.each([
    [{ message: 'You exceeded your current quota', code: 'insufficient_quota' }, 'provider_quota_exceeded'],
    [{ message: 'Rate limit reached', type: 'rate_limit_error' }, 'provider_rate_limited'],
    [{ message: 'overloaded', type: 'server_error' }, 'provider_unavailable'],
  ])('translates %o in a good answer to %s', async (error, code) => {
    server.reply({ headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify({ error })] });
    expect(await failureOf(ask())).toMatchObject({ code });
  });

  it.each([
    ['a page', 'text/html', '<!DOCTYPE html>\n<title>Sign in: secret</title>\n'],
    ['words', 'text/plain', 'secret'],
    ['another object', 'application/json', '{"status":"secret"}'],
    ['no object', 'application/json', '"secret"'],
    ['nothing', 'application/json', 'null'],
    ['an answer cut short', 'application/json', '{"choices":[{"message":{"content":"secret'],
    ['an answer of more than 1 MiB', 'application/json', JSON.stringify({ choices: [], text: 'x'.repeat(2_000_000) })],
  ])('treats %s in place of events as a protocol error, and shows none of it', async (_what, type, body) => {
    server.reply({ headers: { 'content-type': type }, pieces: [body] });
    const error = (await failureOf(ask())) as Error;
    expect(error).toMatchObject({ code: 'provider_protocol_error' });
    expect(error.message + String(error.cause)).not.toContain('secret');
  });

  it('reads events that are sent as plain text', async () => {
    server.reply({ headers: { 'content-type': 'text/plain' }, pieces: [delta('a'), finish('stop'), done] });
    expect((await collect(ask())).text).toBe('a');
  });

  it.each([': keepalive\n\n', 'retry: 3000\n\n'])('treats a stream of only %j as cut off', async (piece) => {
    server.reply({ pieces: [piece] });
    expect(await failureOf(ask())).toMatchObject({ code: 'stream_interrupted' });
  });
});
