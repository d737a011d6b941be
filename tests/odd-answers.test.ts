import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countTokens } from '../services/worker/src/context/count-tokens.ts';
import { openWireServer, type WireServer } from '../services/worker/src/providers/testing/open-wire-server.ts';
import { costOf } from '../services/worker/src/usage/cost-of.ts';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { type Behaviour, beginStream, failing, finishStream, sendText } from './support/open-provider-server.ts';
import { openProviderStack, type ProviderStack } from './support/open-provider-stack.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';

const frame = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const delta = (content: unknown) => frame({ choices: [{ index: 0, delta: { content } }] });
const stop = (reason = 'stop', more: object = {}) =>
  frame({ choices: [{ index: 0, delta: {}, finish_reason: reason }], ...more });
const done = 'data: [DONE]\n\n';

/** Sends these frames, and then ends well. */
const sending =
  (...frames: string[]): Behaviour =>
  async (call, response) => {
    beginStream(response);
    for (const each of frames) response.write(each);
    call.complete = true;
    response.end();
  };

describe('an odd answer', () => {
  let provider: ProviderStack['provider'];
  let stack: ProviderStack['stack'];
  let agentId: string;
  let close: ProviderStack['close'];
  beforeAll(async () => {
    ({ provider, stack, agentId, close } = await openProviderStack('t0-n3-d0'));
  });
  afterAll(() => close());

  async function ask(message: string) {
    const { body } = await stack.api.invoke({ agentId, message });
    return stack.api.finished(body.id);
  }

  it('with a NUL character is stored without it, after one call', async () => {
    provider.next(async (call, response) => {
      beginStream(response);
      sendText(call, response, 'K\0f');
      sendText(call, response, '\0');
      finishStream(call, response);
    });
    const done = await ask('nul');
    expect(done).toMatchObject({ status: 'completed', output: 'Kf', attempt: 1 });
    expect(done.usage).toHaveLength(1);
    expect(provider.callsFor('nul')).toHaveLength(1);
  });

  it('with a NUL character in its error ends as that error', async () => {
    provider.next(failing(400, { message: 'bad \0 thing' }));
    const done = await ask('nul in an error');
    expect(done.error).toMatchObject({
      code: 'provider_request_rejected',
      message: expect.stringContaining('bad thing'),
    });
    expect(provider.callsFor('nul in an error')).toHaveLength(1);
    const findLine = () =>
      stack.workers[0]
        ?.output()
        .split('\n')
        .find((line) => line.includes(done.id) && line.includes('the invocation failed'));
    await waitUntil(() => findLine() !== undefined, { what: 'the log of it' });
    const failed = findLine();
    expect(failed).toMatch(/"code":"provider_request_rejected"/);
    expect(failed).not.toContain('thing'); // a provider may quote the prompt
  });

  it.each([3.5, -1, 1e12])('that reports %s tokens gets an estimated usage', async (tokens) => {
    provider.next(async (call, response) => {
      beginStream(response);
      sendText(call, response, 'some words');
      const usage = { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens };
      response.write(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage })}\n\n`,
      );
      call.complete = true;
      response.end('data: [DONE]\n\n');
    });
    const done = await ask(`tokens ${tokens}`);
    expect(done).toMatchObject({
      status: 'completed',
      output: 'some words',
      usage: [{ source: 'estimated', outputTokens: 2 }],
    });
  });

  it('in parts is joined, with reasoning separate from text', async () => {
    const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] };
    provider.next(
      sending(delta([thinking]), delta([{ type: 'text', text: 'Hello ' }]), delta(['world']), stop(), done),
    );
    const answered = await ask('parts');
    expect(answered).toMatchObject({ status: 'completed', output: 'Hello world' });
    expect(provider.callsFor('parts')).toHaveLength(1);
  });

  it('of a wrong type ends as a protocol error, and shows none of it', async () => {
    provider.next(sending(delta({ secret: 'secret' }), stop(), done));
    const answered = await ask('wrong type');
    expect(answered).toMatchObject({
      status: 'failed',
      error: { code: 'provider_protocol_error', message: expect.stringContaining('choices[0].delta.content') },
    });
    expect(JSON.stringify(answered)).not.toContain('secret');
    expect(provider.callsFor('wrong type')).toHaveLength(1);
  });

  it.each(['error', 'network_error', 'insufficient_system_resource'])(
    'of half a text and the reason %s is not complete',
    async (reason) => {
      provider.next(sending(delta('half an '), stop(reason), done));
      expect(await ask(`reason ${reason}`)).toMatchObject({
        status: 'failed',
        output: 'half an ',
        error: { code: 'stream_interrupted', message: expect.stringContaining(reason) },
        usage: [{ source: 'estimated' }],
      });
      expect(provider.callsFor(`reason ${reason}`)).toHaveLength(1);
    },
  );

  it.each([
    [{ code: 402, message: 'Insufficient credits' }, 'provider_quota_exceeded'],
    [{ message: 'too big', type: 'exceed_context_size_error', code: 400 }, 'provider_context_too_long'],
  ])('that began well and then holds the error %o is not requested again', async (error, code) => {
    provider.next(sending(frame({ error, choices: [] })));
    expect(await ask(`inside ${code}`)).toMatchObject({ status: 'failed', error: { code }, attempt: 1 });
    expect(provider.callsFor(`inside ${code}`)).toHaveLength(1);
  });

  it('after the refusal of an optional parameter is paid for once', async () => {
    const refusal = {
      message: "Unknown parameter: 'stream_options'.",
      param: 'stream_options',
      code: 'unknown_parameter',
    };
    provider.next(failing(400, refusal));
    const answered = await ask('dialect');
    expect(answered).toMatchObject({ status: 'completed', attempt: 1 });
    expect(answered.usage).toHaveLength(1);
    expect(provider.callsFor('dialect').map(({ request }) => 'stream_options' in request)).toEqual([true, false]);
    await ask('dialect, later');
    expect(provider.callsFor('dialect, later').map(({ request }) => 'stream_options' in request)).toEqual([false]);
  });

  it.each([{}, { prompt_tokens: null }, { prompt_tokens: 0, completion_tokens: 0 }])(
    'that counts %o gets an estimated usage',
    async (usage) => {
      provider.next(sending(delta('some words'), stop('stop', { usage }), done));
      expect(await ask(`counts ${JSON.stringify(usage)}`)).toMatchObject({
        status: 'completed',
        usage: [
          { source: 'estimated', outputTokens: 2, inputTokens: expect.toSatisfy((tokens: number) => tokens > 0) },
        ],
      });
    },
  );

  it('whose reasoning is counted outside of the completion is billed with it', async () => {
    const usage = {
      prompt_tokens: 10,
      completion_tokens: 6,
      total_tokens: 105,
      completion_tokens_details: { reasoning_tokens: 89 },
    };
    provider.next(sending(delta('some words'), stop('stop', { usage }), done));
    expect(await ask('thoughts')).toMatchObject({ usage: [{ source: 'provider', inputTokens: 10, outputTokens: 95 }] });
  });

  it('without a reason is complete if its end mark follows', async () => {
    provider.next(sending(delta('all of it'), done));
    expect(await ask('no reason')).toMatchObject({ status: 'completed', output: 'all of it', finishReason: 'other' });
  });

  it('that is a refusal has the finish reason content_filter', async () => {
    provider.next(sending(frame({ choices: [{ delta: { refusal: 'I cannot.' } }] }), stop(), done));
    expect(await ask('refusal')).toMatchObject({
      status: 'completed',
      output: 'I cannot.',
      finishReason: 'content_filter',
    });
  });

  it('that the database refuses ends as failed, paid for once, and its conversation goes on', async () => {
    await stack.database.$executeRawUnsafe(`ALTER TABLE message ADD CONSTRAINT picky CHECK (content <> 'unwanted')`);
    provider.next(async (call, response) => {
      beginStream(response);
      sendText(call, response, 'unwanted');
      finishStream(call, response);
    });
    const done = await ask('refused');
    expect(done).toMatchObject({ status: 'failed', output: null, error: { code: 'internal_error' }, attempt: 1 });
    expect(done.usage).toHaveLength(1);
    expect(provider.callsFor('refused')).toHaveLength(1);
    const { body } = await stack.api.invoke({ agentId, message: 'next', conversationId: done.conversationId });
    expect(await stack.api.finished(body.id)).toMatchObject({ status: 'completed' });
  });

  it('that meets a deadlock at its end is written again, without another call', async () => {
    for (const statement of [
      'CREATE SEQUENCE deadlocks',
      `CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF nextval('deadlocks') <= 2 THEN RAISE EXCEPTION USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$`,
      'CREATE TRIGGER deadlock BEFORE INSERT ON usage_record FOR EACH ROW EXECUTE FUNCTION deadlock()',
    ])
      await stack.database.$executeRawUnsafe(statement);
    const done = await ask('deadlock');
    await stack.database.$executeRawUnsafe('DROP TRIGGER deadlock ON usage_record');
    expect(done).toMatchObject({ status: 'completed', attempt: 1 });
    expect(provider.callsFor('deadlock')).toHaveLength(1);
  });

  it('for which the provider asks to wait costs nothing until then', async () => {
    provider.next(failing(429, {}, { 'retry-after': '11' }));
    const { body } = await stack.api.invoke({ agentId, message: 'later' });
    const usage = await waitUntil(() => stack.database.usageRecord.findFirst({ where: { invocationId: body.id } }), {
      what: 'the record of the refused call',
    });
    expect(usage).toMatchObject({ attempt: 1, inputTokens: 0, outputTokens: 0 });
    expect((await stack.api.send('POST', `/api/invocations/${body.id}/cancel`)).status).toBe(200);
  });

  it.each([
    [429, '86400', 'provider_rate_limited'],
    [402, '11', 'provider_quota_exceeded'],
  ])('with the status %s and a Retry-After of %s s fails without a wait', async (status, seconds, code) => {
    provider.next(failing(status, {}, { 'retry-after': seconds }));
    expect(await ask(`wait ${status}`)).toMatchObject({ status: 'failed', error: { code }, attempt: 1 });
    expect(provider.callsFor(`wait ${status}`)).toHaveLength(1);
  });
});

describe('the usage of an answer without counts', () => {
  let server: WireServer;
  let stack: Stack;
  beforeAll(async () => {
    server = await openWireServer();
    const { url } = server;
    const keys = { OPENAI_API_KEY: 'test-key', GEMINI_API_KEY: 'test-key' };
    const urls = { OPENAI_BASE_URL: url, GEMINI_BASE_URL: url, OLLAMA_BASE_URL: url };
    stack = await openStack({ gateways: 0, env: { ...keys, ...urls } });
  });
  afterAll(async () => {
    await stack.close();
    await server.close();
  });

  const message = 'How many tokens has this question?';
  const text = 'Some words that were said.';
  const reasoning = 'And some more that were only thought.';
  const line = (value: object) => `${JSON.stringify(value)}\n`;
  const thinking = frame({ choices: [{ index: 0, delta: { reasoning_content: reasoning } }] });

  /** An answer in each provider's format: reasoning, text, and these counts. */
  const answers = {
    openai: (usage: unknown) => [thinking, delta(text), stop('stop', { usage }), done],
    gemini: (usageMetadata: unknown) => [
      frame({ candidates: [{ content: { parts: [{ text: reasoning, thought: true }, { text }] } }] }),
      frame({ candidates: [{ finishReason: 'STOP' }], usageMetadata }),
    ],
    ollama: (counts: unknown) => [
      line({ message: { content: text, thinking: reasoning }, done: false }),
      line({ message: { content: '' }, done: true, done_reason: 'stop', ...(counts as object) }),
    ],
  };

  async function ask(provider: keyof typeof answers, model: string, counts: unknown) {
    server.reply({ pieces: answers[provider](counts) });
    const agentId = await createPacedAgent(stack.api, model, { provider });
    const { body } = await stack.api.invoke({ agentId, message });
    const finished = await stack.api.finished(body.id);
    const events = await stack.api.get<{ type: string; data: { usage: object } }[]>(
      `/api/invocations/${body.id}/events`,
      { accept: 'application/json' },
    );
    expect(finished).toMatchObject({ status: 'completed', output: text, attempt: 1 });
    return { usage: finished.usage, told: events.body.at(-1) };
  }

  const estimated = {
    inputTokens: countTokens(message) + 4,
    outputTokens: countTokens(text) + countTokens(reasoning),
    cachedTokens: 0,
    source: 'estimated' as const,
  };

  it.each([
    ['openai', 'gpt-4o', undefined],
    ['openai', 'gpt-4o', null],
    ['openai', 'gpt-4o', {}],
    ['openai', 'gpt-4o', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
    ['openai', 'gpt-4o', { prompt_tokens: 9 }],
    ['openai', 'gpt-4o', { prompt_tokens: null, completion_tokens: 9 }],
    ['gemini', 'gemini-2.5-flash', undefined],
    ['gemini', 'gemini-2.5-flash', {}],
    ['gemini', 'gemini-2.5-flash', { promptTokenCount: 9 }],
    ['gemini', 'gemini-2.5-flash', { promptTokenCount: 9, candidatesTokenCount: null, totalTokenCount: 9 }],
    ['ollama', 'llama3', {}],
    ['ollama', 'llama3', { eval_count: 9 }],
    ['ollama', 'llama3', { prompt_eval_count: 9, eval_count: 0 }],
  ] as const)(
    '%s: %s with the counts %o is estimated with its reasoning, and has a cost',
    async (provider, model, counts) => {
      const { usage, told } = await ask(provider, model, counts);
      const cost = costOf(provider, model, estimated);
      expect(cost).not.toBeNull();
      expect(usage).toEqual([
        {
          attempt: 1,
          ...estimated,
          costMicroUsd: Number(cost?.costMicroUsd),
          priceTableVersion: cost?.priceTableVersion,
        },
      ]);
      if (provider !== 'ollama') expect(usage[0]?.costMicroUsd).toBeGreaterThan(0);
      expect(told).toMatchObject({ type: 'invocation.completed', data: { usage: estimated } });
    },
  );

  it('has a cost of null and not of 0 if no price is known', async () => {
    const { usage } = await ask('openai', 'some-model', {});
    expect(usage).toEqual([{ attempt: 1, ...estimated, costMicroUsd: null, priceTableVersion: null }]);
  });

  it.each([
    [
      'openai',
      'gpt-4o',
      {
        prompt_tokens: 6,
        completion_tokens: 6,
        total_tokens: 101,
        completion_tokens_details: { reasoning_tokens: 89 },
      },
    ],
    [
      'gemini',
      'gemini-2.5-flash',
      { promptTokenCount: 6, candidatesTokenCount: 6, thoughtsTokenCount: 89, totalTokenCount: 101 },
    ],
    ['ollama', 'llama3', { prompt_eval_count: 6, eval_count: 95 }],
  ] as const)('is the usage of %s if it sends counts, with its reasoning', async (provider, model, counts) => {
    const { usage } = await ask(provider, model, counts);
    expect(usage).toMatchObject([{ inputTokens: 6, outputTokens: 95, source: 'provider' }]);
  });
});
