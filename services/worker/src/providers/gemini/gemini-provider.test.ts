import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, collect, failureOf, hello } from '../testing/collect.ts';
import { describeWire } from '../testing/describe-wire.ts';
import { openWireServer, type WireServer } from '../testing/open-wire-server.ts';
import { createGeminiProvider } from './gemini-provider.ts';

const apiKey = 'AIzaTest0123456789abcdef';
const never = new AbortController().signal;
const event = (data: unknown, end = '\n\n') => `data: ${JSON.stringify(data)}${end}`;
const candidate = (text: string, more: object = {}) => ({
  candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, ...more }],
});
const delta = (text: string) => event(candidate(text));
const finish = (finishReason: string) => event({ candidates: [{ index: 0, finishReason }] });

describeWire({
  name: 'Gemini',
  create: (baseUrl) => createGeminiProvider({ apiKey, baseUrl }),
  fixture: new URL('./fixtures/answer.sse', import.meta.url),
  contentType: 'text/event-stream',
  delta,
  end: finish('STOP'),
  errorInStream: event({ error: { code: 503, message: 'The model is overloaded', status: 'UNAVAILABLE' } }),
});

describe('Gemini', () => {
  let server: WireServer;
  beforeAll(async () => {
    server = await openWireServer();
  });
  afterAll(() => server.close());
  const ask =
    (more: Partial<typeof hello> = {}): Answer =>
    (onPart) =>
      createGeminiProvider({ apiKey, baseUrl: server.url }).stream({ ...hello, ...more }, onPart, never);
  const failsWith = (status: number, error: object) =>
    server.reply({ status, headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify({ error })] });

  it('is asked with the system prompt, the history and every setting', async () => {
    server.reply({ pieces: [delta('a'), finish('STOP')] });
    const messages = [
      { role: 'user' as const, content: 'one' },
      { role: 'assistant' as const, content: 'two' },
      { role: 'user' as const, content: 'three' },
    ];
    await collect(
      ask({
        model: 'gemini-pro',
        systemPrompt: 'Be brief.',
        messages,
        temperature: 0.5,
        topP: 0.9,
        maxOutputTokens: 100,
      }),
    );
    expect(server.calls.at(-1)).toMatchObject({
      path: '/v1beta/models/gemini-pro:streamGenerateContent?alt=sse',
      headers: { 'x-goog-api-key': apiKey },
    });
    expect(server.calls.at(-1)?.body).toMatchObject({
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: [
        { role: 'user', parts: [{ text: 'one' }] },
        { role: 'model', parts: [{ text: 'two' }] },
        { role: 'user', parts: [{ text: 'three' }] },
      ],
      generationConfig: { temperature: 0.5, topP: 0.9, maxOutputTokens: 100 },
    });
  });

  it('gives thoughts as reasoning, and counts them and what was cached', async () => {
    server.reply({
      pieces: [
        event({ candidates: [{ content: { parts: [{ text: 'hm', thought: true }] } }] }),
        event({
          ...candidate('a', { finishReason: 'STOP' }),
          usageMetadata: {
            promptTokenCount: 5,
            candidatesTokenCount: 2,
            thoughtsTokenCount: 4,
            cachedContentTokenCount: 3,
          },
        }),
      ],
    });
    const { text, reasoning, finish: end } = await collect(ask());
    expect([text, reasoning]).toEqual(['a', 'hm']);
    expect(end.usage).toEqual({
      inputTokens: 5,
      outputTokens: 6,
      cachedTokens: 3,
      reasoningTokens: 4,
      source: 'provider',
    });
  });

  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['SOMETHING_NEW', 'other'],
  ])('keeps the finish reason %s as %s', async (rawReason, reason) => {
    server.reply({ pieces: [delta('a'), finish(rawReason)] });
    expect((await collect(ask())).finish).toMatchObject({ reason, rawReason });
  });

  it('says that a prompt was refused', async () => {
    server.reply({ pieces: [event({ promptFeedback: { blockReason: 'SAFETY' } })] });
    expect(await failureOf(ask())).toMatchObject({
      code: 'provider_content_filtered',
      message: expect.stringContaining('SAFETY'),
    });
  });

  it('reads CRLF', async () => {
    server.reply({
      pieces: [event(candidate('a'), '\r\n\r\n'), event({ candidates: [{ finishReason: 'STOP' }] }, '\r\n\r\n')],
    });
    expect((await collect(ask())).text).toBe('a');
  });

  it.each([
    [
      400,
      { message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' },
      'provider_key_rejected',
    ],
    [403, { message: 'Permission denied', status: 'PERMISSION_DENIED' }, 'provider_key_rejected'],
    [404, { message: 'models/x is not found for API version v1beta', status: 'NOT_FOUND' }, 'provider_model_not_found'],
    [
      429,
      { message: 'You exceeded your current quota, please check your plan', status: 'RESOURCE_EXHAUSTED' },
      'provider_quota_exceeded',
    ],
    [429, { message: 'Resource exhausted', status: 'RESOURCE_EXHAUSTED' }, 'provider_rate_limited'],
    [
      400,
      { message: 'The input token count (9000) exceeds the maximum number of tokens allowed (8192).' },
      'provider_context_too_long',
    ],
  ])('translates %i %o to %s, without the key', async (status, error, code) => {
    failsWith(status, error);
    const failure = (await failureOf(ask())) as Error & { code: string };
    expect(failure.code).toBe(code);
    expect(failure.message).not.toContain(apiKey);
    if (code === 'provider_key_rejected') expect(failure.message).toContain('GEMINI_API_KEY');
  });

  const spent = readFileSync(new URL('./fixtures/quota-of-a-day.json', import.meta.url), 'utf8');
  it.each([
    ['the quota of a day for spent, though it is told to come back in a minute', spent, 'provider_quota_exceeded'],
    [
      'a quota of nothing for spent',
      spent.replace('PerDay', 'PerMinute').replace('limit: 250', 'limit: 0'),
      'provider_quota_exceeded',
    ],
    ['the quota of a minute for a rate', spent.replace('PerDay', 'PerMinute'), 'provider_rate_limited'],
  ])('takes %s', async (_what, body, code) => {
    server.reply({ status: 429, headers: { 'content-type': 'application/json' }, pieces: [body] });
    expect(await failureOf(ask())).toMatchObject({ code });
  });

  it('hears how long to wait', async () => {
    failsWith(429, {
      message: 'quota',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '27s' }],
    });
    expect(await failureOf(ask())).toMatchObject({ code: 'provider_rate_limited', retryAfterMs: 27_000 });
  });
});
