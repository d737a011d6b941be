import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, collect, failureOf, hello } from '../testing/collect.ts';
import { openWireServer, type WireServer } from '../testing/open-wire-server.ts';
import { createOpenAiProvider } from './openai-provider.ts';

const event = (data: unknown, name?: string) => `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
const delta = (content: unknown, more: object = {}) => event({ choices: [{ index: 0, delta: { content, ...more } }] });
const finish = (reason: string | null, more: object = {}) =>
  event({ choices: [{ index: 0, delta: {}, finish_reason: reason }], ...more });
const done = 'data: [DONE]\n\n';

describe('a server that is compatible with OpenAI', () => {
  let server: WireServer;
  beforeAll(async () => {
    server = await openWireServer();
  });
  afterAll(() => server.close());
  const ask: Answer = (onPart) =>
    createOpenAiProvider({ apiKey: 'sk-test-0123456789', baseUrl: server.url }).stream(
      hello,
      onPart,
      new AbortController().signal,
    );
  const answerOf = (...pieces: string[]) => {
    server.reply({ pieces });
    return collect(ask);
  };
  const failureAfter = (...pieces: string[]) => {
    server.reply({ pieces });
    return failureOf(ask);
  };

  it('gives the parts of Mistral as text, and its thinking as reasoning', async () => {
    const thinking = {
      type: 'thinking',
      thinking: [
        { type: 'text', text: 'hm, ' },
        { type: 'text', text: 'well' },
      ],
    };
    expect(
      await answerOf(
        delta([thinking]),
        delta([{ type: 'text', text: 'Hello ' }]),
        delta([{ type: 'text', text: 'world' }, { type: 'reference', reference_ids: [1] }, '!']),
        delta(''),
        finish('stop'),
        done,
      ),
    ).toMatchObject({ text: 'Hello world!', reasoning: 'hm, well' });
  });

  it('gives a whole answer of parts', async () => {
    const content = [
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'Hello' },
    ];
    expect(
      await answerOf(JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop' }] })),
    ).toMatchObject({
      text: 'Hello',
      reasoning: 'hm',
    });
  });

  it.each([
    ['in a stream', [delta('', { refusal: 'I cannot ' }), delta(null, { refusal: 'do that.' }), finish('stop'), done]],
    [
      'in one piece',
      [
        JSON.stringify({
          choices: [{ message: { content: null, refusal: 'I cannot do that.' }, finish_reason: 'stop' }],
        }),
      ],
    ],
  ])('gives a refusal %s as text, with the finish reason content_filter', async (_how, pieces) => {
    expect(await answerOf(...pieces)).toMatchObject({
      text: 'I cannot do that.',
      finish: { reason: 'content_filter', rawReason: 'stop' },
    });
  });

  it('counts the reasoning that xAI leaves out of the completion', async () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 6,
      total_tokens: 105,
      completion_tokens_details: { reasoning_tokens: 89 },
    };
    expect((await answerOf(delta('a'), finish('stop', { usage }), done)).finish).toMatchObject({
      usage: { inputTokens: 10, outputTokens: 95, source: 'provider' },
      textTokens: 6,
    });
  });

  it.each([
    [
      'in the choice, as Moonshot does',
      event({ choices: [{ delta: {}, finish_reason: 'stop', usage: { prompt_tokens: 5, completion_tokens: 2 } }] }),
    ],
    ['aside, as Groq does', finish('stop', { x_groq: { usage: { prompt_tokens: 5, completion_tokens: 2 } } })],
    [
      'with its cache, as DeepSeek does',
      finish('stop', { usage: { prompt_tokens: 5, completion_tokens: 2, prompt_cache_hit_tokens: 0 } }),
    ],
  ])('reads the usage %s', async (_where, end) => {
    expect((await answerOf(delta('a'), end, done)).finish.usage).toMatchObject({ inputTokens: 5, outputTokens: 2 });
  });

  it.each([
    ['an empty object', {}],
    ['text', 'secret'],
    ['a list', [1]],
    ['zeros', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
    ['no output although there was text', { prompt_tokens: 5, completion_tokens: 0, total_tokens: 5 }],
    ['more cached than read', { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 6 } }],
  ])('leaves the usage to an estimate if it is %s', async (_what, usage) => {
    expect((await answerOf(delta('a'), finish('stop', { usage }), done)).finish.usage).toBeNull();
  });

  it.each([[[done]], [[finish(null), done]], [[finish('null'), done]], [[finish(''), done]]])(
    'treats text as complete if only %j follows',
    async (end) => {
      expect(await answerOf(delta('a'), ...end)).toMatchObject({
        text: 'a',
        finish: { reason: 'other', rawReason: '' },
      });
    },
  );

  it.each([
    ['no text before its end mark', [done]],
    ['only reasoning before its end mark', [delta(null, { reasoning: 'hm' }), done]],
    ['text, and neither a reason nor an end mark', [delta('a')]],
    ['an unknown reason, and no end mark', [delta('a'), finish('new')]],
  ])('never treats an answer as complete that has %s', async (_what, pieces) => {
    expect(await failureAfter(...pieces)).toMatchObject({ code: 'stream_interrupted' });
  });

  it('accepts a known reason without an end mark', async () => {
    expect((await answerOf(delta('a'), finish('stop'))).finish).toMatchObject({ reason: 'stop' });
  });

  it.each([
    [
      'OpenRouter',
      event({ error: { code: 402, message: 'Insufficient credits' }, choices: [] }),
      'provider_quota_exceeded',
    ],
    ['OpenRouter', event({ error: { code: 429, message: 'slow' } }), 'provider_rate_limited'],
    [
      'OpenRouter, with a reason',
      event({
        error: { code: 'server_error', message: 'Provider disconnected' },
        choices: [{ delta: { content: '' }, finish_reason: 'error' }],
      }),
      'provider_unavailable',
    ],
    [
      'OpenRouter, in a choice',
      event({ choices: [{ error: { code: 502, message: 'gone' } }] }),
      'provider_unavailable',
    ],
    [
      'vLLM',
      event({ object: 'error', message: 'too long', type: 'BadRequestError', code: 400 }),
      'provider_request_rejected',
    ],
    [
      'Anthropic',
      event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'error'),
      'provider_unavailable',
    ],
    ['a gateway', event('upstream failed', 'error'), 'provider_unavailable'],
    ['FastAPI', event({ detail: 'No module named x' }), 'provider_unavailable'],
    ['Ollama', event({ error: 'model runner has unexpectedly stopped' }), 'provider_unavailable'],
    [
      'llama.cpp',
      event({ error: { code: 400, message: 'too big', type: 'exceed_context_size_error' } }),
      'provider_context_too_long',
    ],
    ['LM Studio', JSON.stringify({ error: 'Unexpected endpoint or method. (POST /x)' }), 'provider_request_rejected'],
    ['Gemini', JSON.stringify([{ error: { code: 429, message: 'Resource exhausted' } }]), 'provider_rate_limited'],
  ])('recognizes an error of %s inside a stream that began with status 200: %s', async (_who, piece, code) => {
    expect(await failureAfter(piece)).toMatchObject({ code, message: expect.stringMatching(/^OpenAI/) });
  });

  it('reads only the delta if a server repeats the whole message in the same chunk', async () => {
    const chunk = (content: string, whole: string) =>
      event({ choices: [{ delta: { content }, message: { content: whole } }] });
    expect((await answerOf(chunk('a', 'a'), chunk('b', 'ab'), finish('stop'), done)).text).toBe('ab');
  });
});
