import OpenAI, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
} from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropContexts } from '../services/worker/src/sweep/drop-contexts.ts';
import { makeKey } from './support/make-key.ts';
import { beginStream, failing, finishStream, pacedChunk, sendText } from './support/open-provider-server.ts';
import { openProviderStack, type ProviderStack } from './support/open-provider-stack.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';

type Message = OpenAI.ChatCompletionMessageParam;
type Chunk = OpenAI.ChatCompletionChunk & { choices: { delta: { reasoning_content?: string } }[] };

const user = (content: string): Message => ({ role: 'user', content });
const wholeAnswer = [0, 1, 2, 3, 4].map(pacedChunk).join('');

function createClient(stack: Stack, apiKey = 'sk-anything'): OpenAI {
  return new OpenAI({ baseURL: `${stack.apiUrl}/v1`, apiKey, maxRetries: 0 });
}

async function failure<E extends APIError>(promise: Promise<unknown>, kind: new (...args: never[]) => E): Promise<E> {
  const error: unknown = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(kind);
  return error as E;
}

async function readAll<T = Chunk>(items: AsyncIterable<unknown>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item as T);
  return all;
}

const textOf = (chunks: Chunk[]) => chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');

describe('the official client', () => {
  let opened: ProviderStack;
  let stack: Stack;
  let client: OpenAI;
  let model: string;
  beforeAll(async () => {
    opened = await openProviderStack('t0-n5-d0');
    ({ stack } = opened);
    client = createClient(stack);
    const { body } = await stack.api.get<{ slug: string }>(`/api/agents/${opened.agentId}`);
    model = body.slug;
  });
  afterAll(() => opened.close());

  const invocationOf = (id: string) =>
    stack.database.invocation.findUniqueOrThrow({
      where: { id: id.replace('chatcmpl-', '') },
      include: { conversation: true, usage: true, context: true },
    });
  const ask = (messages: Message[], more: object = {}) => client.chat.completions.create({ model, messages, ...more });
  const askForStream = (content: string, more: object = {}) =>
    client.chat.completions.create({ model, messages: [user(content)], stream: true, ...more });
  const lastRequest = () => opened.provider.calls.at(-1)?.request;

  it('gets an answer, with its usage', async () => {
    const completion = await ask([user('How are you?')]);
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model,
      choices: [{ index: 0, message: { role: 'assistant', content: wholeAnswer }, finish_reason: 'stop' }],
      usage: { prompt_tokens: expect.any(Number), total_tokens: expect.any(Number) },
    });
    expect(completion.usage?.total_tokens).toBeGreaterThan(5);
    expect(Math.abs(completion.created * 1_000 - Date.now())).toBeLessThan(60_000);
  });

  it('gets the answer in chunks, the role first and the finish reason last', async () => {
    const chunks = await readAll(await askForStream('In chunks, please.'));
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(textOf(chunks)).toBe(wholeAnswer);
    expect(chunks.at(-1)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' });
    expect(new Set(chunks.map(({ id, object }) => `${id} ${object}`)).size).toBe(1);
  });

  it('gets the usage in a last chunk of its own where it asks for it', async () => {
    const chunks = await readAll(await askForStream('Count.', { stream_options: { include_usage: true } }));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) } });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    const bare = await readAll(await askForStream('Do not count.'));
    expect(bare.some((chunk) => chunk.usage)).toBe(false);
  });

  it('gets thoughts, and how many tokens they took', async () => {
    const usage = {
      ...{ prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 },
      completion_tokens_details: { reasoning_tokens: 4 },
    };
    const frames = [{ reasoning_content: 'Hm. ' }, { content: 'Yes.' }].map((delta) => ({
      choices: [{ index: 0, delta }],
    }));
    const end = [{ choices: [{ index: 0, delta: {}, finish_reason: 'length' }] }, { choices: [], usage }];
    const thinking = async (_call: unknown, response: Parameters<typeof beginStream>[0]) => {
      beginStream(response);
      for (const frame of [...frames, ...end]) response.write(`data: ${JSON.stringify(frame)}\n\n`);
      response.end('data: [DONE]\n\n');
    };
    opened.provider.next(thinking, thinking);
    const { choices, usage: shown } = await ask([user('Think.')]);
    expect(choices[0]).toMatchObject({
      message: { content: 'Yes.', reasoning_content: 'Hm. ' },
      finish_reason: 'length',
    });
    expect(shown).toMatchObject({ completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 4 } });
    const chunks = await readAll(await askForStream('Think.', { stream_options: { include_usage: true } }));
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.reasoning_content ?? '').join('')).toBe('Hm. ');
    expect(textOf(chunks)).toBe('Yes.');
    expect(chunks.at(-1)?.usage?.completion_tokens_details).toEqual({ reasoning_tokens: 4 });
  });

  it('has its history reach the provider as it is, after the texts of agent and request', async () => {
    await stack.api.send('PATCH', `/api/agents/${opened.agentId}`, { systemPrompt: 'You are an agent.' });
    await ask([
      { role: 'system', content: 'Be brief.' },
      user('One?'),
      { role: 'assistant', content: 'Two.' },
      { role: 'user', content: [{ type: 'text', text: 'Three?' }] },
    ]);
    await stack.api.send('PATCH', `/api/agents/${opened.agentId}`, { systemPrompt: '' });
    expect(lastRequest()?.messages).toEqual([
      { role: 'system', content: 'You are an agent.\n\nBe brief.' },
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: 'Two.' },
      { role: 'user', content: 'Three?' },
    ]);
  });

  it('sets what it may set', async () => {
    const { id } = await ask([user('Set.')], {
      temperature: 0.3,
      max_completion_tokens: 77,
      user: 'ada',
      metadata: { a: 'b' },
    });
    expect(lastRequest()).toMatchObject({ temperature: 0.3 });
    expect(JSON.stringify(lastRequest())).toContain('77');
    const row = await invocationOf(id);
    expect(row).toMatchObject({
      userId: 'ada',
      metadata: { a: 'b' },
      conversation: { userId: 'ada', kind: 'ephemeral' },
    });
    expect(row.usage).toEqual([expect.objectContaining({ userId: 'ada', apiKeyId: null })]);
    const { body } = await stack.api.get<{ userId: string }[]>('/api/invocations?userId=ada');
    expect(body.map(({ userId }) => userId)).toEqual(['ada']);
  });

  it('leaves no conversation in the list, but one that can be deleted', async () => {
    const { id } = await ask([user('Do not list me.')]);
    const { conversationId } = await invocationOf(id);
    const { body } = await stack.api.get<{ id: string }[]>('/api/conversations?limit=100');
    expect(body.map((each) => each.id)).not.toContain(conversationId);
    expect((await stack.api.get(`/api/conversations/${conversationId}`)).body).toMatchObject({ title: '' });
    expect((await stack.api.send('DELETE', `/api/conversations/${conversationId}`)).status).toBe(204);
  });

  it('has what it said deleted once the log is gone, unless it is to be stored', async () => {
    const gone = (await ask([user('Before.'), { role: 'assistant', content: 'Secret.' }, user('Forget me.')])).id;
    const stored = (await ask([user('Keep me.')], { store: true })).id;
    expect(await dropContexts(stack.database)).toBe(0); // the log is still there
    const dropped = await dropContexts(stack.database, 0);
    expect(dropped).toBeGreaterThan(0);
    const messagesOf = async (id: string) => {
      const { id: invocationId, context, usage, status } = await invocationOf(id);
      const count = await stack.database.message.count({ where: { invocationId } });
      return { count, context: context !== null, usage: usage.length, status };
    };
    expect(await messagesOf(gone)).toEqual({ count: 0, context: false, usage: 1, status: 'completed' });
    expect(await messagesOf(stored)).toEqual({ count: 2, context: true, usage: 1, status: 'completed' });
  });

  it('gets the same answer again for the same Idempotency-Key', async () => {
    const headers = { 'Idempotency-Key': 'once' };
    const request = { model, messages: [user('Only once.')] };
    const first = await client.chat.completions.create(request, { headers });
    const again = await client.chat.completions.create(request, { headers });
    expect(again).toEqual(first);
    const chunks = await readAll(await client.chat.completions.create({ ...request, stream: true }, { headers }));
    expect(textOf(chunks)).toBe(wholeAnswer);
    expect(opened.provider.callsFor('Only once.')).toHaveLength(1);
    const other = client.chat.completions.create({ model, messages: [user('Another.')] }, { headers });
    expect((await failure(other, BadRequestError)).code).toBe('idempotency_key_reused');
  });

  it('may go away by its AbortController: the answer goes on to its end', async () => {
    opened.provider.next(async (call, response) => {
      beginStream(response);
      for (let index = 0; index < 5; index += 1) {
        sendText(call, response, pacedChunk(index));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      finishStream(call, response);
    });
    const stream = await askForStream('I leave.');
    let id = '';
    for await (const chunk of stream) {
      id = chunk.id;
      if (chunk.choices[0]?.delta.content) stream.controller.abort();
    }
    const invocation = await stack.api.finished(id.replace('chatcmpl-', ''));
    expect(invocation).toMatchObject({ status: 'completed', output: wholeAnswer });
  });

  it('may go away before a complete answer: it is stored all the same', async () => {
    const gone = new AbortController();
    opened.provider.next(async (call, response) => {
      gone.abort();
      beginStream(response);
      await new Promise((resolve) => setTimeout(resolve, 100));
      sendText(call, response, 'Too late.');
      finishStream(call, response);
    });
    const asked = client.chat.completions.create({ model, messages: [user('I left.')] }, { signal: gone.signal });
    await failure(asked, APIError);
    await waitUntil(
      async () => (await stack.database.message.findFirst({ where: { content: 'Too late.' } })) !== null,
      { what: 'the answer to be stored' },
    );
  });

  it.each<[string, object, string]>([
    ['two answers', { n: 2 }, 'n'],
    ['tools', { tools: [{ type: 'function', function: { name: 'f', parameters: {} } }] }, 'tools'],
    ['log probabilities', { logprobs: true }, 'logprobs'],
    ['JSON', { response_format: { type: 'json_object' } }, 'response_format.type'],
    ['an unknown role', { messages: [{ role: 'oracle', content: 'x' }] }, 'messages[0].role'],
    [
      'an image',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages[0].content',
    ],
    ['a parameter that nobody knows', { top_k: 3 }, 'top_k'],
    ['no message', { messages: [] }, 'messages'],
  ])('is refused %s with a BadRequestError that names the parameter', async (_what, more, param) => {
    const error = await failure(ask([user('x')], more), BadRequestError);
    expect(error).toMatchObject({ status: 400, param, type: 'invalid_request_error' });
    expect(error.message).toContain('In the body');
  });

  it('is told of a model that is not there by a NotFoundError', async () => {
    const error = await failure(
      client.chat.completions.create({ model: 'gpt-5', messages: [user('x')] }),
      NotFoundError,
    );
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model' });
    expect((await failure(client.models.retrieve('gpt-5'), NotFoundError)).code).toBe('model_not_found');
    await stack.api.send('POST', '/api/agents', { name: 'Off', provider: 'echo', model: 'echo', active: false });
    const off = client.chat.completions.create({ model: 'off', messages: [user('x')] });
    expect((await failure(off, NotFoundError)).code).toBe('model_not_found');
  });

  it('lists the agents as models', async () => {
    const models = await readAll<OpenAI.Model>(client.models.list());
    expect(models.map(({ id }) => id)).toEqual(expect.arrayContaining(['echo', model]));
    expect(models.map(({ id }) => id)).not.toContain('off');
    expect(await client.models.retrieve(opened.agentId)).toMatchObject({ id: model, object: 'model' });
  });

  it('is told of a failure of the provider, and whether to try again', async () => {
    opened.provider.next(failing(401), failing(401));
    const refused = await failure(ask([user('Fail.')]), InternalServerError);
    expect(refused).toMatchObject({ status: 502, code: 'provider_key_rejected', type: 'server_error' });
    expect(refused.headers.get('x-should-retry')).toBe('false');
    const broken = await failure(
      askForStream('Fail.').then((stream) => readAll(stream)),
      APIError,
    );
    expect(broken.code).toBe('provider_key_rejected');
  });

  it('is told within the stream that the answer broke off', async () => {
    opened.provider.next(async (call, response) => {
      beginStream(response);
      sendText(call, response, 'Half');
      response.write('data: {"error":{"message":"no","code":"server_error"}}\n\n');
      response.end();
    });
    let text = '';
    const reading = askForStream('Break.').then(async (stream) => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    });
    await failure(reading, APIError);
    expect(text).toBe('Half');
  });

  it.each<[string, string, RequestInit, number, string | null]>([
    ['a path that is not there', '/v1/embeddings', { method: 'POST', body: '{}' }, 404, 'unknown_url'],
    ['another method', '/v1/chat/completions', { method: 'PUT', body: '{}' }, 405, 'method_not_allowed'],
    ['a body that is not JSON', '/v1/chat/completions', { method: 'POST', body: '{' }, 400, null],
    [
      'a body of another type',
      '/v1/chat/completions',
      { method: 'POST', body: 'a=b', headers: { 'content-type': 'text/plain' } },
      415,
      null,
    ],
    [
      'too large a body',
      '/v1/chat/completions',
      { method: 'POST', body: JSON.stringify('x'.repeat(1_100_000)) },
      413,
      null,
    ],
    [
      'a page of another origin',
      '/v1/chat/completions',
      { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', origin: 'http://evil.example' } },
      403,
      'origin_not_allowed',
    ],
    ['a path that cannot be decoded', '/v1/%zz', {}, 404, 'unknown_url'],
  ])('is refused %s in its own shape', async (_what, path, init, status, code) => {
    const response = await fetch(`${stack.apiUrl}${path}`, {
      headers: { 'content-type': 'application/json' },
      ...init,
    });
    const body = (await response.json()) as { error: { code: string | null } };
    expect([response.status, body.error.code]).toEqual([status, code]);
    expect(Object.keys(body.error).toSorted()).toEqual(['code', 'message', 'param', 'type']);
  });
});

it('a stream goes on where it was when its worker is killed, and the answer that starts again is the same', async () => {
  const opened = await openProviderStack('t0-n20-d50');
  try {
    const { stack, provider, agentId: model } = opened;
    const stream = await createClient(stack).chat.completions.create({
      model,
      messages: [user('Go on.')],
      stream: true,
    });
    const chunks: Chunk[] = [];
    for await (const chunk of stream) {
      chunks.push(chunk as Chunk);
      if (chunks.length !== 4) continue;
      stack.workers[0]?.signal('SIGKILL');
      await stack.start('worker');
    }
    expect(textOf(chunks)).toBe(Array.from({ length: 20 }, (_, index) => pacedChunk(index)).join(''));
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    expect(provider.callsFor('Go on.')).toHaveLength(2);
  } finally {
    await opened.close();
  }
});

it('a stream that cannot be opened, as Redis is away, is sent once the answer is there', async () => {
  const stack = await openStack({ gateways: 0 });
  try {
    await stack.testRedis.stop();
    const request = { model: 'echo', messages: [user('late')], stream_options: { include_usage: true } };
    const asked = createClient(stack)
      .chat.completions.create({ ...request, stream: true })
      .then((stream) => readAll(stream));
    const said = () => stack.apis[0]?.output().includes('its stream could not be opened') ?? false;
    await waitUntil(said, { what: 'the API to give the stream up', timeoutMs: 15_000 });
    await stack.testRedis.start();
    const chunks = await asked;
    expect(textOf(chunks)).toBe('You said: late');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: expect.any(Number) } });
  } finally {
    await stack.close();
  }
});

describe('the official client, where keys are asked for', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0, env: { NEXUS_AUTH: 'keys' } });
  });
  afterAll(() => stack.close());

  const ask = (client: OpenAI, more: object = {}) =>
    client.chat.completions.create({ model: 'echo', messages: [user('Hello')], ...more });

  it('is told by an AuthenticationError that its key is not good', async () => {
    const error = await failure(ask(createClient(stack)), AuthenticationError);
    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' });
  });

  it('is told by a PermissionDeniedError what its key may not do', async () => {
    const reader = createClient(stack, await makeKey(stack.testDatabase.url, ['read']));
    expect((await failure(ask(reader), PermissionDeniedError)).code).toBe('insufficient_permissions');
    expect((await readAll<OpenAI.Model>(reader.models.list())).length).toBeGreaterThan(0);
  });

  it('has its key noted, and lowers limits but does not raise them', async () => {
    const token = await makeKey(stack.testDatabase.url, ['read', 'invoke', 'manage']);
    const manager = { authorization: `Bearer ${token}` };
    await stack.api.send(
      'POST',
      '/api/agents',
      { name: 'Short', provider: 'echo', model: 'echo', maxOutputTokens: 50 },
      manager,
    );
    const key = await makeKey(stack.testDatabase.url, ['invoke']);
    const client = createClient(stack, key);
    const { id } = await ask(client, { model: 'short', max_tokens: 10, temperature: 1.5 });
    const { settings, apiKeyId, usage } = await stack.database.invocation.findUniqueOrThrow({
      where: { id: id.replace('chatcmpl-', '') },
      include: { usage: true },
    });
    expect(settings).toMatchObject({ maxOutputTokens: 10, temperature: 1.5 });
    const keyId = key.split('_')[1];
    expect(apiKeyId?.replaceAll('-', '')).toBe(keyId);
    expect(usage.map((record) => record.apiKeyId)).toEqual([apiKeyId]);
    const raised = await failure(ask(client, { model: 'short', max_tokens: 51 }), PermissionDeniedError);
    expect(raised).toMatchObject({ param: 'max_completion_tokens' });
    expect((await ask(createClient(stack, token), { model: 'short', max_tokens: 51 })).choices).toHaveLength(1);
  });

  it('over REST, other overrides need the scope manage or an agent that allows them', async () => {
    const manager = { authorization: `Bearer ${await makeKey(stack.testDatabase.url, ['read', 'manage'])}` };
    const invoker = { authorization: `Bearer ${await makeKey(stack.testDatabase.url, ['invoke'])}` };
    const agent = { name: 'Free', provider: 'echo', model: 'echo' };
    const { body } = await stack.api.send<{ id: string }>('POST', '/api/agents', agent, manager);
    const override = async (overrides: object) =>
      (await stack.api.invoke({ agentId: body.id, message: 'x', overrides }, invoker)).status;
    expect(await override({ model: 'other' })).toBe(403);
    expect(await override({ temperature: 0 })).toBe(202);
    await stack.api.send('PATCH', `/api/agents/${body.id}`, { allowOverrides: true }, manager);
    expect(await override({ model: 'other' })).toBe(202);
  });
});
