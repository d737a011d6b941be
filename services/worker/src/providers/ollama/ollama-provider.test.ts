import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, collect, failureOf, hello } from '../testing/collect.ts';
import { describeWire } from '../testing/describe-wire.ts';
import { openWireServer, type WireServer } from '../testing/open-wire-server.ts';
import { createOllamaProvider } from './ollama-provider.ts';

const never = new AbortController().signal;
const line = (data: unknown) => `${JSON.stringify(data)}\n`;
const delta = (content: string) => line({ model: 'llama3', message: { role: 'assistant', content }, done: false });
const finish = (done_reason: string, more: object = {}) =>
  line({ model: 'llama3', message: { role: 'assistant', content: '' }, done: true, done_reason, ...more });

const message = (fields: object) => line({ message: { role: 'assistant', ...fields }, done: false });

describeWire({
  name: 'Ollama',
  create: (baseUrl) => createOllamaProvider({ baseUrl }),
  baseUrlVariable: 'OLLAMA_BASE_URL',
  key: null,
  fixture: new URL('./fixtures/answer.ndjson', import.meta.url),
  contentType: 'application/x-ndjson',
  delta,
  finish: (reason, counts) => finish(reason, counts && { prompt_eval_count: counts.input, eval_count: counts.output }),
  endMark: '',
  reasons: { stop: 'stop', length: ['length'], failure: ['load', 'unload', 'error'] },
  errorInStream: line({ error: 'the runner is overloaded' }),
  wrongTypes: [
    ['a line', line('secret')],
    ['a line', line(['secret'])],
    ['message', line({ message: 'secret' })],
    ['message', line({ message: ['secret'] })],
    ['message.content', message({ content: { secret: 1 } })],
    ['message.content', message({ content: 7, secret: 1 })],
    ['message.content[0]', message({ content: [{ type: 'image', secret: 1 }] })],
    ['message.thinking', message({ thinking: { secret: 1 } })],
    ['message.thinking', message({ thinking: true, secret: 1 })],
    ['done', line({ message: {}, done: 'secret' })],
    ['done_reason', line({ message: {}, done: true, done_reason: { secret: 1 } })],
  ],
});

describe('Ollama', () => {
  let server: WireServer;
  beforeAll(async () => {
    server = await openWireServer();
  });
  afterAll(() => server.close());
  const ask =
    (more: Partial<typeof hello> = {}): Answer =>
    (onPart) =>
      createOllamaProvider({ baseUrl: server.url }).stream({ ...hello, ...more }, onPart, never);

  it('is asked with the system prompt, the history and every setting', async () => {
    server.reply({ pieces: [delta('a'), finish('stop')] });
    await collect(
      ask({
        model: 'llama3',
        systemPrompt: 'Be brief.',
        temperature: 0.5,
        topP: 0.9,
        maxOutputTokens: 100,
        contextTokens: 6_000,
      }),
    );
    expect(server.calls.at(-1)?.path).toBe('/api/chat');
    expect(server.calls.at(-1)?.body).toEqual({
      model: 'llama3',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hello' },
      ],
      stream: true,
      options: { num_ctx: 6_100, temperature: 0.5, top_p: 0.9, num_predict: 100 },
    });
  });

  it('gets a window for the context and a usual answer if the agent sets no limit', async () => {
    server.reply({ pieces: [delta('a'), finish('stop')] });
    await collect(ask({ contextTokens: 6_000, maxOutputTokens: null }));
    expect(server.calls.at(-1)?.body).toMatchObject({ options: { num_ctx: 8_048 } });
  });

  it('gives the thinking of a model as reasoning, and its finish reason', async () => {
    const thought = line({ message: { role: 'assistant', content: '', thinking: 'hm' }, done: false });
    server.reply({ pieces: [thought, delta('a'), finish('length', { prompt_eval_count: 3, eval_count: 4 })] });
    expect(await collect(ask())).toEqual({
      text: 'a',
      reasoning: 'hm',
      finish: {
        reason: 'length',
        rawReason: 'length',
        usage: { inputTokens: 3, outputTokens: 4, cachedTokens: 0, source: 'provider' },
      },
    });
  });

  it.each([
    [{ eval_count: 4 }],
    [{ prompt_eval_count: 3 }],
    [{ prompt_eval_count: 3, eval_count: 0 }],
    [{ prompt_eval_count: null, eval_count: 4 }],
  ])('leaves the usage to an estimate if it counts %o', async (counts) => {
    server.reply({ pieces: [delta('a'), finish('stop', counts)] });
    expect((await collect(ask())).finish).toMatchObject({ reason: 'stop', usage: null });
  });

  it('is complete without a reason, because older versions send none', async () => {
    server.reply({ pieces: [delta('a'), line({ done: true, prompt_eval_count: 3, eval_count: 4 })] });
    expect((await collect(ask())).finish).toMatchObject({ reason: 'other', rawReason: '', usage: { outputTokens: 4 } });
  });

  it('has not answered if it has only loaded its model', async () => {
    server.reply({ pieces: [finish('load')] });
    expect(await failureOf(ask())).toMatchObject({
      code: 'stream_interrupted',
      message: expect.stringContaining('load'),
    });
  });

  it('reads content in parts, and thinking among them', async () => {
    const content = [{ type: 'thinking', thinking: 'hm' }, { type: 'text', text: 'a' }, 'b'];
    server.reply({ pieces: [message({ content }), finish('stop')] });
    expect(await collect(ask())).toMatchObject({ text: 'ab', reasoning: 'hm' });
  });

  it('reads a whole answer in one line, from a server that does not stream', async () => {
    const whole = { message: { content: 'a', thinking: 'hm' }, done: true, done_reason: 'stop' };
    server.reply({ headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify(whole)] });
    expect(await collect(ask())).toMatchObject({ text: 'a', reasoning: 'hm', finish: { reason: 'stop' } });
  });

  it.each([
    ['', '/api/chat'],
    ['/', '/api/chat'],
    ['/api', '/api/chat'],
    ['/ollama', '/ollama/api/chat'],
    ['/ollama/api/', '/ollama/api/chat'],
  ])('is found at a base URL with the path %j', async (path, found) => {
    server.reply({ pieces: [delta('a'), finish('stop')] });
    const provider = createOllamaProvider({ baseUrl: server.url + path });
    await collect((onPart) => provider.stream(hello, onPart, never));
    expect(server.calls.at(-1)?.path).toBe(found);
  });

  const answers = (status: number, body: string, headers: Record<string, string> = {}) =>
    server.reply({ status, headers: { 'content-type': 'application/json', ...headers }, pieces: [body] });

  it.each([
    "model 'llama9' not found",
    'model "llama9" not found, try pulling it first',
    "model 'llama9:70b' not found",
  ])('advises how to get a missing model: %s', async (error) => {
    answers(404, JSON.stringify({ error }));
    expect(await failureOf(ask({ model: 'llama9' }))).toMatchObject({
      code: 'provider_model_not_found',
      message: expect.stringMatching(/not found.*Run: ollama pull llama9\.$/),
    });
  });

  it.each([
    ['a page', '<html><head><title>404 Not Found</title></head></html>'],
    ['nothing', ''],
    ['a router', '404 page not found'],
    ['a gateway', '{"message":"no Route matched with those values"}'],
    ['an app', '{"timestamp":"2026-01-01","status":404,"error":"Not Found","path":"/api/chat"}'],
    ['another server', '{"detail":"Not Found"}'],
    ['words of its own', '{"error":"path was not found"}'],
  ])('does not mention models if the address is wrong: %s', async (_who, body) => {
    answers(404, body);
    const error = (await failureOf(ask({ model: 'llama9' }))) as Error;
    expect(error.message).not.toMatch(/pull|llama9/);
    expect(error.message).toContain('404');
  });

  it('reports an error after text with its words, its code and the wait that it asks for', async () => {
    const error = { message: 'too many requests for this model', code: 429, retry_after: 3 };
    server.reply({ pieces: [delta('a'), line({ error })] });
    expect(await failureOf(ask())).toMatchObject({
      code: 'provider_rate_limited',
      message: expect.stringContaining('too many requests for this model'),
      retryAfterMs: 3_000,
    });
  });

  it.each([
    ['an error was encountered while running the model: unexpected EOF', 'provider_unavailable'],
    ['llama runner process has terminated: exit status 2', 'provider_unavailable'],
    ['the prompt exceeds the context length of the model', 'provider_context_too_long'],
    ["model 'llama9' not found", 'provider_model_not_found'],
  ])('reports the error %j inside an answer as %s', async (error, code) => {
    server.reply({ pieces: [delta('a'), line({ error })] });
    expect(await failureOf(ask())).toMatchObject({ code, message: expect.stringContaining(error.slice(0, 20)) });
  });

  it.each([
    [429, '7', 'provider_rate_limited', 7_000],
    [503, '2', 'provider_unavailable', 2_000],
  ])('of status %i is asked again after its Retry-After', async (status, seconds, code, retryAfterMs) => {
    answers(status, '{"error":"server busy, please try again. maximum pending requests exceeded"}', {
      'retry-after': seconds,
    });
    expect(await failureOf(ask())).toMatchObject({
      code,
      retryAfterMs,
      message: expect.stringContaining('maximum pending requests exceeded'),
    });
  });

  it('reports a context that is too long', async () => {
    answers(400, '{"error":"input exceeds the context length"}');
    expect(await failureOf(ask())).toMatchObject({ code: 'provider_context_too_long' });
  });

  it('reports what a model cannot do', async () => {
    answers(400, '{"error":"\\"nomic-embed-text\\" does not support chat"}');
    expect(await failureOf(ask())).toMatchObject({
      code: 'provider_request_rejected',
      message: expect.stringContaining('does not support chat'),
    });
  });

  it('advises which variable to check if a proxy asks for credentials', async () => {
    answers(401, 'Unauthorized');
    expect(await failureOf(ask())).toMatchObject({
      code: 'provider_key_rejected',
      message: expect.stringContaining(new URL(server.url).host),
    });
  });
});
