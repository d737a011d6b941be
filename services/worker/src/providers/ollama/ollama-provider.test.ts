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

describeWire({
  name: 'Ollama',
  create: (baseUrl) => createOllamaProvider({ baseUrl }),
  fixture: new URL('./fixtures/answer.ndjson', import.meta.url),
  contentType: 'application/x-ndjson',
  delta,
  end: finish('stop'),
  errorInStream: line({ error: 'the runner is overloaded' }),
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

  it('is asked to make room for the context and for a usual answer where an agent sets no limit', async () => {
    server.reply({ pieces: [delta('a'), finish('stop')] });
    await collect(ask({ contextTokens: 6_000, maxOutputTokens: null }));
    expect(server.calls.at(-1)?.body).toMatchObject({ options: { num_ctx: 8_048 } });
  });

  it('gives what a model thinks as reasoning, and its finish reason', async () => {
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

  it('says how to get a model that is not there', async () => {
    server.reply({
      status: 404,
      headers: { 'content-type': 'application/json' },
      pieces: ['{"error":"model \'llama9\' not found"}'],
    });
    expect(await failureOf(ask({ model: 'llama9' }))).toMatchObject({
      code: 'provider_model_not_found',
      message: expect.stringContaining('ollama pull llama9'),
    });
  });

  it('says that a context is too long', async () => {
    server.reply({
      status: 400,
      headers: { 'content-type': 'application/json' },
      pieces: ['{"error":"input exceeds the context length"}'],
    });
    expect(await failureOf(ask())).toMatchObject({ code: 'provider_context_too_long' });
  });
});
