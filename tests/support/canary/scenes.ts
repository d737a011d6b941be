import type { ServerResponse } from 'node:http';
import { type Behaviour, beginStream, failing, finishStream, pause, sendText } from '../open-provider-server.ts';
import { waitUntil } from '../wait-until.ts';
import { begun, type Canary } from './open-canary.ts';

/** Everything that the system can be made to write something about: good answers, failures of each kind, refusals, and faults of what it runs on. */
export async function playScenes(canary: Canary): Promise<void> {
  const agentId = await makeAgent(canary);
  await answerWell(canary, agentId);
  await failAtTheProvider(canary, agentId);
  await failAtGemini(canary);
  await cancelAndInterrupt(canary, agentId);
  await refuse(canary, agentId);
  await handOutAccess(canary);
  await lookAround(canary);
  await breakTheDatabase(canary, agentId);
  await fillRedis(canary, agentId);
  await killAWorker(canary, agentId);
}

/** Of one attempt, retries included. */
const maxCalls = 6;

type Asked = { id: string; conversationId: string };

async function makeAgent({ ask, marks }: Canary): Promise<string> {
  const { body } = await ask('POST', '/api/agents', {
    body: {
      name: 'Canary',
      provider: 'openai',
      model: 'canary-model',
      systemPrompt: marks.make('prompt', 'the system prompt'),
      firstTokenTimeoutMs: 1_000,
      idleTimeoutMs: 1_000,
    },
  });
  await ask('PATCH', `/api/agents/${body.id}`, {
    body: { systemPrompt: marks.make('prompt', 'a changed system prompt') },
  });
  return body.id ?? '';
}

async function invoke({ ask }: Canary, agentId: string, message: string, more: object = {}): Promise<Asked> {
  const { body, status, text } = await ask('POST', '/api/invocations', { body: { agentId, message, ...more } });
  if (status !== 202) throw new Error(`not accepted: ${status} ${text.slice(0, 200)}`);
  return { id: body.id ?? '', conversationId: body.conversationId ?? '' };
}

async function answerWell(canary: Canary, agentId: string): Promise<void> {
  const { ask, marks, provider } = canary;
  const { body } = await ask('POST', '/api/conversations', { body: { title: marks.make('prompt', 'a title') } });
  const conversationId = body.id ?? '';
  await ask('PATCH', `/api/conversations/${conversationId}`, { body: { title: marks.make('prompt', 'a new title') } });
  const socket = await canary.connect(canary.operator);
  await socket.emitWithAck('conversation:subscribe', { conversationId });
  provider.next(saying(marks.make('answer', 'an answer'), marks.make('answer', 'a thought')));
  const { id } = await invoke(canary, agentId, marks.make('prompt', 'a message'), {
    conversationId,
    metadata: { [marks.make('prompt', 'a name in metadata')]: marks.make('prompt', 'a value in metadata') },
    overrides: { systemPrompt: marks.make('prompt', 'an overriding system prompt') },
  });
  await canary.over(id);
  provider.next(saying(marks.make('answer', 'an answer in a stream'), ''));
  await ask('POST', '/api/invocations', {
    headers: { accept: 'text/event-stream', 'idempotency-key': 'canary' },
    body: { agentId, conversationId, message: marks.make('prompt', 'a message for a stream') },
  });
  // The same key with another request is refused.
  await ask('POST', '/api/invocations', {
    headers: { 'idempotency-key': 'canary' },
    body: { agentId, conversationId, message: marks.make('prompt', 'a message with a used key') },
  });
  for (const path of ['', '/messages']) await ask('GET', `/api/conversations/${conversationId}${path}`);
  for (const accept of ['application/json', 'text/event-stream'])
    await ask('GET', `/api/invocations/${id}/events`, { headers: { accept } });
}

/** A key that a provider quotes is a secret also in its own words. */
async function failAtTheProvider(canary: Canary, agentId: string): Promise<void> {
  const { marks, provider, providerKey } = canary;
  const prompt = (what: string) => marks.make('prompt', `a message that ${what}`);
  const failures: [message: string, behaviour: Behaviour][] = [400, 401, 403, 404, 429, 500].map((status) => {
    const message = prompt(`is answered ${status}`);
    const quoting: Behaviour = (call, response, gone) =>
      failing(
        status,
        { message: `cannot do ${message} with ${providerKey}`, param: message },
        { 'retry-after-ms': '1' },
      )(call, response, gone);
    return [message, quoting];
  });
  const others: Record<string, (message: string) => Behaviour> = {
    'is quoted in a page': (message) => async (_call, response) =>
      void response.writeHead(502, { 'content-type': 'text/html' }).end(`<html>${message} ${providerKey}</html>`),
    'is quoted with 200': (message) => async (_call, response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end(`<html>${message} ${providerKey}</html>`),
    'is too long': (message) =>
      failing(400, { code: 'context_length_exceeded', message: `maximum context length: ${message}` }),
    'is filtered': (message) => failing(400, { code: 'content_filter', message: `filtered: ${message}` }),
    'is quoted in an error of the stream': (message) => async (_call, response) => {
      beginStream(response);
      response.write(`data: ${JSON.stringify({ error: { message: `${message} ${providerKey}` } })}\n\n`);
      response.end();
    },
    'is answered with broken JSON': (message) => async (_call, response) => {
      beginStream(response);
      response.end(`data: {"choices": [{"delta": {"content": "${marks.make('answer', 'broken JSON')} ${message}\n\n`);
    },
    'is answered in part': () => async (call, response) => {
      beginStream(response);
      sendText(call, response, marks.make('answer', 'a part of an answer'));
      response.destroy();
    },
    'is answered with silence': () => async (call, response, gone) => {
      beginStream(response);
      sendText(call, response, marks.make('answer', 'a part before silence'));
      await pause(5_000, gone);
    },
    'is not answered at all': () => async (_call, response) => void response.destroy(),
  };
  for (const [what, toBehaviour] of Object.entries(others)) {
    const message = prompt(what);
    failures.push([message, toBehaviour(message)]);
  }
  const byMessage = new Map(failures);
  const asAsked: Behaviour = async (call, response, gone) =>
    byMessage.get(call.request.messages.at(-1)?.content ?? '')?.(call, response, gone);
  provider.next(...Array.from({ length: failures.length * maxCalls }, () => asAsked));
  await Promise.all(
    failures.map(async ([message]) => {
      const { id } = await invoke(canary, agentId, message);
      await canary.over(id);
      await canary.ask('GET', `/api/invocations/${id}/events`, { headers: { accept: 'application/json' } });
    }),
  );
  provider.forgetNext();
  provider.next(
    failing(503, {}, { 'retry-after-ms': '1' }),
    saying(marks.make('answer', 'an answer at the second try'), ''),
  );
  await canary.over((await invoke(canary, agentId, prompt('is asked again'))).id);
}

async function failAtGemini(canary: Canary): Promise<void> {
  const { ask, marks, gemini, geminiKey } = canary;
  const agent = { name: 'Canary of Gemini', provider: 'gemini', model: 'canary-model', systemPrompt: '' };
  const { body } = await ask('POST', '/api/agents', { body: agent });
  for (const status of [400, 401, 404, 500, 0]) {
    const message = marks.make('prompt', `a message that Gemini answers ${status}`);
    const quoting = failing(status, { message: `cannot do ${message} with ${geminiKey}`, status: message });
    const dropped: Behaviour = async (_call, response) => void response.destroy();
    gemini.next(...Array.from({ length: maxCalls }, () => (status === 0 ? dropped : quoting)));
    const { id } = await invoke(canary, body.id ?? '', message);
    await canary.over(id);
    gemini.forgetNext();
  }
  if (gemini.calls.length < 5) throw new Error('Gemini was not called');
}

async function cancelAndInterrupt(canary: Canary, agentId: string): Promise<void> {
  const { ask, marks, provider } = canary;
  const first = marks.make('prompt', 'a message to cancel');
  provider.next(slowly(marks.make('answer', 'an answer to cancel')));
  const running = await invoke(canary, agentId, first);
  await begun(canary, first);
  await ask('POST', `/api/invocations/${running.id}/cancel`);
  for (const multitaskStrategy of ['interrupt', 'rollback']) {
    const message = marks.make('prompt', `a message before ${multitaskStrategy}`);
    provider.next(slowly(marks.make('answer', `an answer before ${multitaskStrategy}`)), saying('well', ''));
    const { conversationId } = await invoke(canary, agentId, message);
    await begun(canary, message);
    const next = marks.make('prompt', `a message with ${multitaskStrategy}`);
    await canary.over((await invoke(canary, agentId, next, { conversationId, multitaskStrategy })).id);
  }
}

/** Secrets where nobody expects them, and prompts in requests that are refused. */
async function refuse({ ask, marks, operator, connect, stack }: Canary, agentId: string): Promise<void> {
  const stray = marks.make('secret', 'a password in an odd place');
  const message = marks.make('prompt', 'a refused message');
  const odd = [operator, stray];
  for (const text of odd) {
    await ask('GET', `/api/agents?token=${text}`);
    await ask('GET', `/api/agents?cursor=${text}`);
    await ask('GET', `/api/agents?limit=${text}`, { token: null });
    await ask('POST', '/api/agents', { raw: `{"name": "${text}` });
    await ask('POST', '/api/agents', { raw: `{"${text}": "${text}"}`, token: null });
    await ask('POST', '/api/agents', { body: { name: 'Odd', provider: text, model: text } });
    await ask('POST', '/api/keys', { body: { name: 'Odd', scopes: [text], expiresAt: text } });
    await ask('POST', '/api/session', { body: { key: `${text}x` } });
    await ask('POST', '/api/session', { raw: `{"key": "${text}", "key2": ` });
    await ask('POST', '/api/agents', { raw: text, headers: { 'content-type': 'text/plain' } });
    const headers = [
      'idempotency-key',
      'nexus-workspace',
      'last-event-id',
      'traceparent',
      'origin',
      'accept',
      'x-api-key',
      'cookie',
      'user-agent',
      'x-forwarded-for',
    ];
    for (const name of headers) await ask('POST', '/api/invocations', { body: {}, headers: { [name]: `${text}` } });
    await ask('GET', '/api/agents', { token: `${text}0` });
    await ask('GET', '/api/agents', { token: `eyJ${text}` });
    await ask('GET', `/api/agents/${operator}/${operator}`, { headers: { 'x-request-id': operator } });
    await ask('GET', '/api/agents', {
      token: null,
      headers: { authorization: `Basic ${Buffer.from(`admin:${text}`).toString('base64')}` },
    });
    const socket = await connect(`${text}0`);
    socket.close();
    for (const path of ['/metrics', '/readyz', '/livez', '/nothing'])
      for (const { url } of [...stack.apis, ...stack.gateways, ...stack.workers])
        await fetch(`${url}${path}?token=${text}`);
  }
  const socket = await connect(operator);
  for (const name of ['conversation:subscribe', 'invocation:cancel', 'connection:renew', stray])
    await socket
      .timeout(2_000)
      .emitWithAck(name, { token: stray, conversationId: stray, invocationId: stray, [stray]: message });
  await ask('POST', '/api/invocations', {
    body: { agentId, message, overrides: { systemPrompt: message, [message]: 1 } },
  });
  await ask('POST', '/api/invocations', { body: { agentId, message: `${message}\0`, multitaskStrategy: message } });
  await ask('POST', '/api/invocations', { raw: `{"message": "${message}", ` });
  await ask('POST', '/api/invocations', { body: { agentId: crypto.randomUUID(), message } });
  await ask('POST', '/api/invocations', { body: { agentId, message, conversationId: crypto.randomUUID() } });
  await ask('POST', '/api/invocations', { body: { agentId, message: message.repeat(5_000) } });
  await ask('POST', '/api/invocations', { raw: JSON.stringify({ agentId, message: message.repeat(50_000) }) });
  await ask('POST', '/api/invocations', { body: { agentId, message }, token: null });
}

async function handOutAccess({ ask, connect }: Canary): Promise<void> {
  const { body: key } = await ask('POST', '/api/keys', { body: { name: 'Chat', scopes: ['read', 'invoke', 'admin'] } });
  await ask('GET', '/api/agents', { token: key.token ?? '' });
  const { body: rotated } = await ask('POST', `/api/keys/${key.id}/rotate`, { body: { graceSeconds: 60 } });
  const { body: short } = await ask('POST', '/api/tokens', { body: { scopes: ['read'] }, token: rotated.token ?? '' });
  await ask('GET', '/api/agents', { token: short.token ?? '' });
  const socket = await connect(short.token ?? '');
  await socket.timeout(2_000).emitWithAck('connection:renew', { token: short.token });
  const { headers } = await ask('POST', '/api/session', { body: { key: rotated.token } });
  const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
  await ask('GET', '/api/session', { token: null, headers: { cookie } });
  await ask('DELETE', '/api/session', { token: null, headers: { cookie } });
  await ask('DELETE', `/api/keys/${key.id}`);
  for (const token of [rotated.token, short.token]) await ask('GET', '/api/agents', { token: token ?? '' });
  await ask('GET', '/api/agents', { token: null, headers: { cookie } });
  await waitUntil(() => !socket.connected, { what: 'the socket of a revoked key to end' });
}

async function lookAround({ ask, adminPassword }: Canary): Promise<void> {
  for (const path of [
    '/api/openapi.json',
    '/docs',
    '/api/agents',
    '/api/conversations',
    '/api/invocations',
    '/api/keys',
    '/api/audit',
    '/api/workspaces',
    '/api/session',
  ])
    await ask('GET', path);
  for (const password of [adminPassword, `${adminPassword}x`]) {
    const headers = { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` };
    for (const status of ['active', 'waiting', 'completed', 'failed', 'delayed'])
      await ask('GET', `/admin/queues/api/queues?activeQueue=invocations-openai&status=${status}&page=1`, {
        token: null,
        headers,
      });
    await ask('GET', '/admin/queues', { token: null, headers });
  }
}

/** Postgres quotes a row that it refuses. */
async function breakTheDatabase(canary: Canary, agentId: string): Promise<void> {
  const { ask, marks, stack, provider } = canary;
  const { database } = stack;
  await database.$executeRawUnsafe(
    `ALTER TABLE message ADD CONSTRAINT odd CHECK (content NOT LIKE '%refused%') NOT VALID`,
  );
  await database.$executeRawUnsafe(
    `ALTER TABLE conversation ADD CONSTRAINT odd CHECK (title NOT LIKE '%refused%') NOT VALID`,
  );
  await database.$executeRawUnsafe(
    `ALTER TABLE agent ADD CONSTRAINT odd CHECK (system_prompt NOT LIKE '%refused%') NOT VALID`,
  );
  await database.$executeRawUnsafe(
    `ALTER TABLE api_key ADD CONSTRAINT odd CHECK (name NOT LIKE '%refused%') NOT VALID`,
  );
  const refused = (what: string) => `${marks.make('prompt', what)} refused`;
  const { body } = await ask('POST', '/api/conversations', { body: {} });
  await ask('POST', '/api/invocations', { body: { agentId, message: refused('a message that Postgres refuses') } });
  await ask('POST', '/api/conversations', { body: { title: refused('a title that Postgres refuses') } });
  await ask('PATCH', `/api/conversations/${body.id}`, {
    body: { title: refused('a new title that Postgres refuses') },
  });
  await ask('PATCH', `/api/agents/${agentId}`, {
    body: { systemPrompt: refused('a system prompt that Postgres refuses') },
  });
  await ask('POST', '/api/keys', { body: { name: 'refused', scopes: ['read'] } });
  provider.next(saying(`${marks.make('answer', 'an answer that Postgres refuses')} refused`, ''));
  await canary.over(
    (await invoke(canary, agentId, marks.make('prompt', 'a message whose answer Postgres refuses'))).id,
  );
  for (const table of ['message', 'conversation', 'agent', 'api_key'])
    await database.$executeRawUnsafe(`ALTER TABLE ${table} DROP CONSTRAINT odd`);
}

/** Redis refuses what would append to a log, and goes away. */
async function fillRedis(canary: Canary, agentId: string): Promise<void> {
  const { marks, provider, stack } = canary;
  const message = marks.make('prompt', 'a message while Redis is full');
  provider.next(slowly(marks.make('answer', 'an answer while Redis is full'), 60));
  const { id } = await invoke(canary, agentId, message);
  await begun(canary, message);
  await stack.redis.config('SET', 'maxmemory', '1');
  await waitUntil(() => stack.workers.some((worker) => /waits for redis/.test(worker.output())), {
    what: 'the worker to notice',
  });
  await stack.redis.config('SET', 'maxmemory', '0');
  await canary.over(id);
}

/** What cannot connect says why, without what it tried to connect with. */
export async function startWithWrongPasswords({ marks, stack, start }: Canary): Promise<void> {
  const wrong = marks.make('secret', 'a wrong password');
  const { hostname, port, pathname } = new URL(stack.testDatabase.url);
  const failures: Record<string, string>[] = [
    { DATABASE_URL: `postgresql://nexus:${wrong}@${hostname}:${port}${pathname}`, DATABASE_PASSWORD: wrong },
    { REDIS_PASSWORD: wrong },
    { NEXUS_SECRETS: `${wrong},short`, DATABASE_URL: `mysql://x:${wrong}@127.0.0.1/x`, ADMIN_PASSWORD: wrong },
    { OTEL_EXPORTER_OTLP_ENDPOINT: `ftp://x:${wrong}@127.0.0.1`, OTEL_EXPORTER_OTLP_HEADERS: wrong },
  ];
  const names = ['api', 'gateway', 'worker'] as const;
  // Not all at once: other tests run beside this one, and their processes are to start in time.
  for (const env of failures) await Promise.all(names.map((name) => start(name, env)));
}

async function killAWorker(canary: Canary, agentId: string): Promise<void> {
  const { marks, provider, stack } = canary;
  const message = marks.make('prompt', 'a message of a worker that dies');
  const answer = marks.make('answer', 'an answer of a worker that dies');
  provider.next(slowly(answer, 200), saying(answer, ''));
  const { id } = await invoke(canary, agentId, message);
  await begun(canary, message);
  await stack.start('worker');
  stack.workers[0]?.signal('SIGKILL');
  await canary.over(id);
}

/** An answer with a thought before it, in the form of servers that show them. */
function saying(text: string, thought: string): Behaviour {
  return async (call, response) => {
    beginStream(response);
    if (thought !== '') sendThought(response, thought);
    sendText(call, response, text);
    finishStream(call, response);
  };
}

/** The text again and again, until the client is gone or so many times. */
function slowly(text: string, times = 1_000): Behaviour {
  return async (call, response, gone) => {
    beginStream(response);
    for (let count = 0; count < times && !gone.aborted; count += 1) {
      sendText(call, response, `${text} `);
      await pause(20, gone);
    }
    finishStream(call, response);
  };
}

function sendThought(response: ServerResponse, text: string): void {
  response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { reasoning_content: text } }] })}\n\n`);
}
