import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, failureOf, hello } from '../testing/collect.ts';
import { openWireServer, type Reply, type WireServer } from '../testing/open-wire-server.ts';
import { createOpenAiProvider } from './openai-provider.ts';

const good: Reply = {
  pieces: [
    `data: ${JSON.stringify({ choices: [{ delta: { content: 'a' }, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
  ],
};
const refused = (status: number, body: unknown): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  pieces: [JSON.stringify(body)],
});
const unsupported = (param: string, message: string) =>
  refused(400, { error: { message, type: 'invalid_request_error', param, code: 'unsupported_parameter' } });

const noStreamOptions: [who: string, reply: Reply][] = [
  [
    'vLLM',
    refused(400, {
      object: 'error',
      message:
        "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]",
      type: 'BadRequestError',
      code: 400,
    }),
  ],
  [
    'Mistral',
    refused(422, {
      object: 'error',
      message: {
        detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options', 'include_usage'], msg: 'Extra' }],
      },
      type: 'invalid_request_error',
    }),
  ],
  ['FastAPI', refused(422, { detail: [{ loc: ['body', 'stream_options'], msg: 'extra fields not permitted' }] })],
  ['Fireworks', refused(400, { error: { message: "Extra inputs are not permitted, field: 'stream_options'" } })],
  [
    'Azure',
    refused(400, { detail: "Extra parameters ['stream_options'] are not allowed when extra-parameters is 'error'" }),
  ],
  ['OpenAI', unsupported('stream_options', "Unknown parameter: 'stream_options'.")],
  ['plain text', { status: 400, pieces: ['Unrecognized request argument supplied: stream_options'] }],
];
const useNewerLimit = unsupported(
  'max_tokens',
  "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
);
const onlyDefault = unsupported(
  'temperature',
  "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
);

describe('OpenAI, on a server that refuses some parameters', () => {
  let server: WireServer;
  beforeAll(async () => {
    server = await openWireServer();
  });
  afterAll(() => server.close());

  function open() {
    const provider = createOpenAiProvider({ apiKey: 'sk-test-0123456789', baseUrl: server.url });
    const before = server.calls.length;
    const request = { ...hello, temperature: 0.5, topP: 0.9, maxOutputTokens: 100 };
    const signal = new AbortController().signal;
    return {
      ask: (model = 'some-model') => collect((onPart) => provider.stream({ ...request, model }, onPart, signal)),
      failure: () => failureOf((onPart) => provider.stream(request, onPart, signal)),
      bodies: () => server.calls.slice(before).map(({ body }) => body as Record<string, unknown>),
    };
  }

  it.each(noStreamOptions)(
    'asks again without stream_options where %s refuses it, and remembers',
    async (_who, reply) => {
      const { ask, bodies } = open();
      server.reply(reply, good);
      expect(await ask()).toMatchObject({ text: 'a', finish: { usage: null } });
      await ask();
      expect(bodies().map((body) => 'stream_options' in body)).toEqual([true, false, false]);
      expect(bodies()[2]).toMatchObject({ stream: true, temperature: 0.5, top_p: 0.9, max_tokens: 100 });
    },
  );

  it('learns several refused parameters within a call', async () => {
    const { ask, bodies } = open();
    server.reply(noStreamOptions[0]?.[1] ?? {}, useNewerLimit, onlyDefault, good);
    expect(await ask()).toMatchObject({ text: 'a' });
    expect(bodies()).toHaveLength(4);
    expect(bodies()[3]).toMatchObject({ max_completion_tokens: 100, top_p: 0.9 });
    for (const field of ['max_tokens', 'temperature', 'stream_options']) expect(bodies()[3]).not.toHaveProperty(field);
  });

  it('remembers them only for that model', async () => {
    const { ask, bodies } = open();
    server.reply(useNewerLimit, good);
    await ask('one');
    await ask('another');
    await ask('one');
    expect(bodies().map(({ max_tokens }) => max_tokens)).toEqual([100, undefined, 100, undefined]);
  });

  it('sends the older name of the limit to a reasoning model if the server refuses the newer one', async () => {
    const { ask, bodies } = open();
    server.reply(unsupported('max_completion_tokens', 'Unknown parameter: max_completion_tokens'), good);
    await ask('o3-mini');
    expect(bodies()[1]).toMatchObject({ max_tokens: 100 });
  });

  it('never leaves out the limit, also if a server refuses both names', async () => {
    const { failure, bodies } = open();
    server.reply(useNewerLimit, unsupported('max_completion_tokens', "Unknown parameter: 'max_completion_tokens'"));
    expect(await failure()).toMatchObject({
      code: 'provider_request_rejected',
      message: expect.stringContaining('max_completion_tokens'),
    });
    expect(bodies()).toHaveLength(2);
  });

  it('reads a whole answer if the server refuses to stream', async () => {
    const { ask, bodies } = open();
    const whole = { choices: [{ message: { content: 'whole' }, finish_reason: 'stop' }] };
    server.reply(unsupported('stream', 'Your organization must be verified to stream this model.'), {
      headers: { 'content-type': 'application/json' },
      pieces: [JSON.stringify(whole)],
    });
    expect(await ask()).toMatchObject({ text: 'whole' });
    for (const field of ['stream', 'stream_options']) expect(bodies()[1]).not.toHaveProperty(field);
  });

  it.each([
    ['a value out of range', refused(400, { error: { message: "Invalid 'temperature': expected a value <= 1" } })],
    ['a limit that is too high', refused(400, { error: { message: 'max_tokens is not allowed to exceed 64' } })],
    ['something of its own', refused(422, { detail: [{ loc: ['body', 'messages'], msg: 'field required' }] })],
    [
      'a context that is too long',
      refused(400, { error: { message: 'maximum context length: not allowed max_tokens' } }),
    ],
    ['nothing by name', refused(400, { error: { message: 'Unsupported parameter' } })],
    ['it with another status', refused(403, { error: { message: "Unsupported parameter: 'temperature'" } })],
  ])('sends no second request if the server refuses %s', async (_what, reply) => {
    const { failure, bodies } = open();
    server.reply(reply, good);
    expect(await failure()).toMatchObject({ code: expect.stringMatching(/^provider_/) });
    expect(bodies()).toHaveLength(1);
  });

  it('gives up if a server refuses the same parameter again and again', async () => {
    const { failure, bodies } = open();
    server.reply(noStreamOptions[0]?.[1] ?? {});
    expect(await failure()).toMatchObject({ code: 'provider_request_rejected' });
    expect(bodies()).toHaveLength(2);
  });

  it('shares what calls learn at the same time', async () => {
    const { ask, bodies } = open();
    server.reply(useNewerLimit, useNewerLimit, good);
    expect(await Promise.all([ask(), ask()])).toMatchObject([{ text: 'a' }, { text: 'a' }]);
    expect(bodies()).toHaveLength(4);
  });
});
