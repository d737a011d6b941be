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
const finish = (finishReason: string, more: object = {}) =>
  event({ candidates: [{ index: 0, finishReason }], ...more });
const part = (value: unknown) => event({ candidates: [{ content: { parts: [{ text: 'b' }, value] } }] });

describeWire({
  name: 'Gemini',
  create: (baseUrl) => createGeminiProvider({ apiKey, baseUrl }),
  baseUrlVariable: 'GEMINI_BASE_URL',
  key: { header: 'x-goog-api-key', value: apiKey },
  fixture: new URL('./fixtures/answer.sse', import.meta.url),
  contentType: 'text/event-stream',
  delta,
  finish: (reason, counts) =>
    finish(
      reason,
      counts && {
        usageMetadata: {
          promptTokenCount: counts.input,
          candidatesTokenCount: counts.output,
          cachedContentTokenCount: counts.cached,
        },
      },
    ),
  endMark: '',
  reasons: {
    stop: 'STOP',
    length: ['MAX_TOKENS'],
    failure: [
      'MALFORMED_FUNCTION_CALL',
      'MALFORMED_RESPONSE',
      'UNEXPECTED_TOOL_CALL',
      'TOO_MANY_TOOL_CALLS',
      'MISSING_THOUGHT_SIGNATURE',
      'NO_IMAGE',
      'IMAGE_OTHER',
    ],
  },
  errorInStream: event({ error: { code: 503, message: 'The model is overloaded', status: 'UNAVAILABLE' } }),
  wrongTypes: [
    ['an event', event('secret')],
    ['an event', event(['secret'])],
    ['candidates', event({ candidates: 'secret' })],
    ['candidates[0]', event({ candidates: ['secret'] })],
    ['candidates[0].content', event({ candidates: [{ content: 'secret' }] })],
    ['candidates[0].content.parts', event({ candidates: [{ content: { parts: { text: 'secret' } } }] })],
    ['candidates[0].content.parts[1]', part('secret')],
    ['candidates[0].content.parts[1].text', part({ text: ['secret'] })],
    ['candidates[0].content.parts[1].text', part({ text: { secret: 1 } })],
    ['candidates[0].content.parts[1].text', part({ text: 7, secret: 1 })],
    ['candidates[0].content.parts[1].thought', part({ text: 'a', thought: 'secret' })],
    ['candidates[0].content.parts[1]', part({ inlineData: { mimeType: 'image/png', data: 'secret' } })],
    ['candidates[0].content.parts[1]', part({ text: null, functionCall: { name: 'secret' } })],
    ['candidates[0].finishReason', event({ candidates: [{ finishReason: { secret: 1 } }] })],
    ['promptFeedback', event({ promptFeedback: 'secret' })],
    ['promptFeedback.blockReason', event({ promptFeedback: { blockReason: ['secret'] } })],
  ],
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

  it.each([
    ['', '/v1beta/models/gemini-pro'],
    ['/', '/v1beta/models/gemini-pro'],
    ['/google', '/google/v1beta/models/gemini-pro'],
    ['/v1beta', '/v1beta/models/gemini-pro'],
    ['/google/v1alpha/', '/google/v1alpha/models/gemini-pro'],
    ['/v1', '/v1/models/gemini-pro'],
  ])('is found at a base URL with the path %j', async (path, found) => {
    server.reply({ pieces: [delta('a'), finish('STOP')] });
    const provider = createGeminiProvider({ apiKey, baseUrl: server.url + path });
    await collect((onPart) => provider.stream({ ...hello, model: 'gemini-pro' }, onPart, never));
    expect(server.calls.at(-1)?.path).toBe(`${found}:streamGenerateContent?alt=sse`);
  });

  it.each([
    ['models/gemini-pro', 'models/gemini-pro'],
    ['tunedModels/mine', 'tunedModels/mine'],
    ['what? #1', 'models/what%3F%20%231'],
  ])('is asked for the model %s by its path', async (model, found) => {
    server.reply({ pieces: [delta('a'), finish('STOP')] });
    await collect(ask({ model }));
    expect(server.calls.at(-1)?.path).toBe(`/v1beta/${found}:streamGenerateContent?alt=sse`);
  });

  const thoughts = event({ candidates: [{ content: { parts: [{ text: 'hm', thought: true }] } }] });
  const counted = (usageMetadata: object, ...pieces: string[]) => [
    ...pieces,
    event({ candidates: [{ finishReason: 'STOP' }], usageMetadata }),
  ];

  it('gives thoughts as reasoning, and counts them and cached tokens', async () => {
    const usageMetadata = {
      promptTokenCount: 5,
      candidatesTokenCount: 2,
      thoughtsTokenCount: 4,
      cachedContentTokenCount: 3,
    };
    server.reply({ pieces: counted(usageMetadata, thoughts, delta('a')) });
    expect(await collect(ask())).toMatchObject({
      text: 'a',
      reasoning: 'hm',
      finish: {
        usage: { inputTokens: 5, outputTokens: 6, cachedTokens: 3, reasoningTokens: 4, source: 'provider' },
        textTokens: 2,
      },
    });
  });

  it.each([
    [
      'with a total',
      [delta('a')],
      { promptTokenCount: 5, candidatesTokenCount: 2, thoughtsTokenCount: 4, totalTokenCount: 11 },
      6,
    ],
    [
      'fewer thoughts than text, without a total',
      [delta('a')],
      { promptTokenCount: 5, candidatesTokenCount: 9, thoughtsTokenCount: 4 },
      13,
    ],
    [
      'thoughts alone, with what was said left out',
      [thoughts],
      { promptTokenCount: 5, thoughtsTokenCount: 4, totalTokenCount: 9 },
      4,
    ],
    ['text that the total alone counts', [delta('a')], { promptTokenCount: 5, totalTokenCount: 8 }, 3],
  ] as const)('counts %s', async (_what, pieces, usageMetadata, outputTokens) => {
    server.reply({ pieces: counted(usageMetadata, ...pieces) });
    expect((await collect(ask())).finish.usage).toMatchObject({ inputTokens: 5, outputTokens, source: 'provider' });
  });

  it.each([
    ['no text, where there was some', { promptTokenCount: 5, candidatesTokenCount: 0, totalTokenCount: 5 }],
    ['no text by its total', { promptTokenCount: 5, totalTokenCount: 5 }],
    ['more than its total', { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 6 }],
    [
      'thoughts beside its total',
      { promptTokenCount: 5, candidatesTokenCount: 2, thoughtsTokenCount: 4, totalTokenCount: 7 },
    ],
    ['more from a cache than there was', { promptTokenCount: 5, candidatesTokenCount: 2, cachedContentTokenCount: 6 }],
    ['thoughts below nothing', { promptTokenCount: 5, candidatesTokenCount: 2, thoughtsTokenCount: -1 }],
    ['thoughts as text', { promptTokenCount: 5, candidatesTokenCount: 2, thoughtsTokenCount: '4' }],
    ['nothing', {}],
    ['in a list', [5, 2]],
    ['in words', 'five'],
  ])('leaves the usage to an estimate if it counts %s', async (_what, usageMetadata) => {
    server.reply({ pieces: counted(usageMetadata as object, delta('a')) });
    expect((await collect(ask())).finish).toMatchObject({ reason: 'stop', usage: null });
  });

  it('does not use the count of an early chunk for the whole answer', async () => {
    const usageMetadata = { promptTokenCount: 5, candidatesTokenCount: 1 };
    server.reply({ pieces: [event({ ...candidate('a'), usageMetadata }), delta('b'), finish('STOP')] });
    expect(await collect(ask())).toMatchObject({ text: 'ab', finish: { usage: null } });
  });

  it('uses the last count if no text follows it', async () => {
    const usageMetadata = { promptTokenCount: 5, candidatesTokenCount: 1 };
    server.reply({ pieces: [event({ ...candidate('a'), usageMetadata }), finish('STOP'), event({})] });
    expect((await collect(ask())).finish.usage).toMatchObject({ inputTokens: 5, outputTokens: 1 });
  });

  const filtered = ['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'LANGUAGE'];
  const filteredImages = ['IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION'];
  it.each<[string, string]>([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ...[...filtered, ...filteredImages].map((raw): [string, string] => [raw, 'content_filter']),
    ['OTHER', 'other'],
    ['FINISH_REASON_UNSPECIFIED', 'other'],
    ['SOMETHING_NEW', 'other'],
  ])('keeps the finish reason %s as %s', async (rawReason, reason) => {
    server.reply({ pieces: [delta('a'), finish(rawReason)] });
    expect((await collect(ask())).finish).toMatchObject({ reason, rawReason });
  });

  it.each(['OTHER', 'FINISH_REASON_UNSPECIFIED'])(
    'has not answered if it ends with %s and without text',
    async (reason) => {
      server.reply({ pieces: [thoughts, finish(reason)] });
      expect(await failureOf(ask())).toMatchObject({
        code: 'stream_interrupted',
        message: expect.stringContaining(reason),
      });
    },
  );

  it('takes the last of several finish reasons', async () => {
    server.reply({
      pieces: [event(candidate('a', { finishReason: 'STOP' })), event(candidate('b')), finish('MAX_TOKENS')],
    });
    expect(await collect(ask())).toMatchObject({ text: 'ab', finish: { reason: 'length' } });
  });

  it('skips parts without text, and candidates without parts', async () => {
    server.reply({
      pieces: [
        event({ candidates: [] }),
        event({ candidates: null, promptFeedback: null, usageMetadata: null }),
        event({ candidates: [{ content: {} }] }),
        event({
          candidates: [{ content: { parts: [{ text: '', thoughtSignature: 'x' }, { thoughtSignature: 'y' }, null] } }],
        }),
        event({ promptFeedback: { safetyRatings: [], blockReason: 'BLOCK_REASON_UNSPECIFIED' } }),
        delta('a'),
        finish('STOP'),
      ],
    });
    expect((await collect(ask())).text).toBe('a');
  });

  it('accepts the end mark of OpenAI, as gateways add it', async () => {
    server.reply({ pieces: [delta('a'), finish('STOP'), 'data: [DONE]\n\n'] });
    expect((await collect(ask())).text).toBe('a');
  });

  it.each([
    ['a list', (chunks: object[]) => JSON.stringify(chunks, null, 2)],
    ['a list on one line', (chunks: object[]) => JSON.stringify(chunks)],
  ])('reads a whole answer in %s, from a gateway that does not ask for events', async (_what, write) => {
    const usageMetadata = { promptTokenCount: 5, candidatesTokenCount: 2 };
    const body = write([candidate('a'), { ...candidate('b', { finishReason: 'STOP' }), usageMetadata }]);
    server.reply({ headers: { 'content-type': 'application/json' }, pieces: [body] });
    expect(await collect(ask())).toMatchObject({ text: 'ab', finish: { reason: 'stop', usage: { outputTokens: 2 } } });
  });

  it('reads a whole answer in one piece', async () => {
    server.reply({ pieces: [JSON.stringify(candidate('a', { finishReason: 'STOP' }))] });
    expect(await collect(ask())).toMatchObject({ text: 'a', finish: { reason: 'stop' } });
  });

  it.each([
    ['a page', '<!DOCTYPE html>\n<title>secret</title>'],
    ['another object', '{"status":"secret"}'],
    ['a list cut short', '[{"candidates":[{"content":{"parts":[{"text":"secret'],
  ])('treats %s in place of events as a protocol error', async (_what, body) => {
    server.reply({ headers: { 'content-type': 'application/json' }, pieces: [body] });
    const error = (await failureOf(ask())) as Error;
    expect(error).toMatchObject({ code: 'provider_protocol_error' });
    expect(error.message).not.toContain('secret');
  });

  const exhausted = {
    code: 429,
    message: 'Resource has been exhausted (e.g. check quota).',
    status: 'RESOURCE_EXHAUSTED',
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '27s' }],
  };
  it.each([
    ['first', [event({ error: exhausted })]],
    ['after text', [delta('a'), event({ error: exhausted })]],
    ['after the finish reason', [delta('a'), finish('STOP'), event({ error: exhausted })]],
    ['in a list', [delta('a'), event([{ error: exhausted }])]],
    ['as a body that is a list', [JSON.stringify([{ error: exhausted }], null, 2)]],
    ['as a body', [JSON.stringify({ error: exhausted })]],
    ['in an event named error', [`event: error\n${event(exhausted)}`]],
    ['as a whole event', [event(exhausted)]],
  ])(
    'reports an error inside a good answer, %s, with its code and the wait that it asks for',
    async (_where, pieces) => {
      server.reply({ pieces });
      expect(await failureOf(ask())).toMatchObject({
        code: 'provider_rate_limited',
        retryAfterMs: 27_000,
        message: expect.stringContaining('has been exhausted'),
      });
    },
  );

  it.each([
    [{ code: 500, message: 'An internal error has occurred', status: 'INTERNAL' }, 'provider_unavailable'],
    [{ code: 504, message: 'Deadline expired', status: 'DEADLINE_EXCEEDED' }, 'provider_unavailable'],
    [
      { code: 400, message: 'API key expired. Please renew the API key.', status: 'INVALID_ARGUMENT' },
      'provider_key_rejected',
    ],
    [{ code: 400, message: 'Unable to process input image', status: 'INVALID_ARGUMENT' }, 'provider_request_rejected'],
    [{ message: 'no more words' }, 'provider_unavailable'],
  ])('translates %o inside a stream to %s', async (error, code) => {
    server.reply({ pieces: [event({ error })] });
    expect(await failureOf(ask())).toMatchObject({ code });
  });

  it('reports that a prompt was refused', async () => {
    server.reply({ pieces: [event({ promptFeedback: { blockReason: 'SAFETY' } })] });
    expect(await failureOf(ask())).toMatchObject({
      code: 'provider_content_filtered',
      message: expect.stringContaining('SAFETY'),
    });
  });

  it('reports why a prompt was refused', async () => {
    server.reply({
      pieces: [
        event({ promptFeedback: { blockReason: 'OTHER', blockReasonMessage: 'not about that' }, usageMetadata: {} }),
      ],
    });
    expect(await failureOf(ask())).toMatchObject({
      code: 'provider_content_filtered',
      message: 'Gemini refused the prompt (OTHER: not about that)',
    });
  });

  it.each([
    [
      400,
      { message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' },
      'provider_key_rejected',
    ],
    [403, { message: 'Permission denied', status: 'PERMISSION_DENIED' }, 'provider_key_rejected'],
    [403, { message: 'Your API key was reported as leaked. Please use another API key.' }, 'provider_key_rejected'],
    [
      403,
      {
        message:
          'Generative Language API has not been used in project 1 before or it is disabled. Enable it by visiting …',
        status: 'PERMISSION_DENIED',
        details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'SERVICE_DISABLED' }],
      },
      'provider_request_rejected',
    ],
    [
      400,
      { message: 'User location is not supported for the API use.', status: 'FAILED_PRECONDITION' },
      'provider_request_rejected',
    ],
    [
      401,
      { message: 'Request had invalid authentication credentials.', status: 'UNAUTHENTICATED' },
      'provider_key_rejected',
    ],
    [503, { message: 'The model is overloaded.', status: 'UNAVAILABLE' }, 'provider_unavailable'],
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

  it('reads how long to wait', async () => {
    failsWith(429, {
      message: 'quota',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '27s' }],
    });
    expect(await failureOf(ask())).toMatchObject({ code: 'provider_rate_limited', retryAfterMs: 27_000 });
  });
});
