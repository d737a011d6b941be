import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { createEventAppender } from '@nexus/common/events/append-events';
import { logKey } from '@nexus/common/events/event-log-names';
import type { InvocationEvent } from '@nexus/protocol/event';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { openProviderServer, type ProviderServer } from './support/open-provider-server.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { waitUntil } from './support/wait-until.ts';
import { hashes, type Watcher, wireOf } from './support/watch-conversation.ts';

const allowedOrigin = 'https://app.example';

describe('the gateway', () => {
  let provider: ProviderServer;
  let stack: Stack;
  let agentId: string;
  beforeAll(async () => {
    provider = await openProviderServer();
    const env = { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url, CORS_ORIGINS: allowedOrigin };
    stack = await openStack({ gateways: 2, env });
    agentId = await createPacedAgent(stack.api, 't20-n40-d15');
  });
  afterAll(async () => {
    await stack.close();
    await provider.close();
  });

  const newConversation = async () => (await stack.api.send<{ id: string }>('POST', '/api/conversations', {})).body.id;
  const invoke = async (message: string, conversationId?: string) =>
    (await stack.api.invoke({ agentId, message, ...(conversationId ? { conversationId } : {}) })).body;
  const seqs = (events: InvocationEvent[]) => events.map(({ seq }) => seq);
  const strictlyRising = (numbers: number[]) =>
    numbers.every((seq, index) => index === 0 || seq > (numbers[index - 1] ?? 0));
  const gapFree = (numbers: number[]) => numbers.every((seq, index) => seq === index + 1);

  async function endsAsStored(watcher: Watcher, invocationId: string): Promise<void> {
    const shown = await watcher.ended(invocationId);
    const { shown: own, stored } = hashes(shown);
    expect(stored).not.toBeNull();
    expect(own).toBe(stored);
    expect(strictlyRising(seqs(watcher.eventsOf(invocationId)))).toBe(true);
  }

  it('shows ten clients of a room identical sequences, on two gateways alike', async () => {
    const conversationId = await newConversation();
    const watchers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => stack.watch({ conversationId, gateway: index % 2 })),
    );
    const { id } = await invoke('to ten', conversationId);
    for (const watcher of watchers) await endsAsStored(watcher, id);
    const [first, ...others] = watchers.map((watcher) => JSON.stringify(watcher.eventsOf(id)));
    for (const other of others) expect(other).toBe(first);
    expect(gapFree(seqs(watchers[0]?.eventsOf(id) ?? []))).toBe(true);
  });

  it.each(['websocket', 'polling'] as const)(
    'shows a client that joins late exactly the stored text at the end, over %s',
    async (transport) => {
      const { id, conversationId } = await invoke(`late over ${transport}`);
      await waitUntil(() => (provider.callsFor(`late over ${transport}`)[0]?.sent.length ?? 0) > 60, {
        what: 'some text',
      });
      const late = await stack.watch({ conversationId, transports: [transport] });
      await endsAsStored(late, id);
      expect(late.eventsOf(id).length).toBeGreaterThan(3);
    },
  );

  it.each(['websocket', 'polling'] as const)(
    'sends a client that drops and returns with cursors every event once, over %s',
    async (transport) => {
      const conversationId = await newConversation();
      const watcher = await stack.watch({ conversationId, transports: [transport] });
      const { id } = await invoke(`drops over ${transport}`, conversationId);
      for (const length of [20, 60, 120]) {
        await waitUntil(() => watcher.shown(id).text.length > length, { what: `${length} characters` });
        watcher.socket.disconnect();
        await new Promise((resolve) => setTimeout(resolve, 40));
        watcher.socket.connect();
      }
      await endsAsStored(watcher, id);
    },
  );

  it('sends the whole answer to a client that asks for a finished invocation from cursor 0', async () => {
    const { id, conversationId } = await invoke('finished before');
    await stack.api.finished(id);
    const watcher = await stack.watch({ conversationId, cursors: { [id]: 0 } });
    await endsAsStored(watcher, id);
    const without = await stack.watch({ conversationId });
    expect(without.eventsOf(id)).toEqual([]);
  });

  it('sends a finished invocation only to clients that named it', async () => {
    const { id, conversationId } = await invoke('finished before they came');
    await stack.api.finished(id);
    const live = await stack.watch({ conversationId });
    for (const cursor of [0, 5, 1_000_000]) {
      await (await stack.watch({ conversationId, cursors: { [id]: cursor } })).ended(id);
    }
    const next = await invoke('all of them see this one', conversationId);
    await endsAsStored(live, next.id);
    expect(live.eventsOf(id)).toEqual([]);
  });

  it('sends a snapshot if the log has expired, or if the cursor is from the future', async () => {
    const { id, conversationId } = await invoke('expires');
    await stack.api.finished(id);
    const future = await stack.watch({ conversationId, cursors: { [id]: 1_000_000 } });
    await endsAsStored(future, id);
    await stack.redis.del(logKey(conversationId, id));
    const expired = await stack.watch({ conversationId, cursors: { [id]: 3 } });
    await endsAsStored(expired, id);
    expect(expired.eventsOf(id).map(({ type }) => type)).toEqual(['invocation.snapshot']);
  });

  it('sends several invocations of one conversation, which began before and after the subscribe', async () => {
    const conversationId = await newConversation();
    const before = await stack.api.invoke({
      agentId,
      message: 'several 1',
      conversationId,
      multitaskStrategy: 'parallel',
    });
    const also = await stack.api.invoke({
      agentId,
      message: 'several 2',
      conversationId,
      multitaskStrategy: 'parallel',
    });
    await waitUntil(() => provider.callsFor('several 2')[0]?.sent, { what: 'both to begin' });
    const watcher = await stack.watch({ conversationId });
    const after = await stack.api.invoke({
      agentId,
      message: 'several 3',
      conversationId,
      multitaskStrategy: 'parallel',
    });
    for (const { body } of [before, also, after]) await endsAsStored(watcher, body.id);
  });

  it('fills a gap from the log when a publish was lost', async () => {
    const conversationId = await newConversation();
    const invocationId = '01890000-0000-7000-8000-000000000001';
    await insertRunning(conversationId, invocationId);
    const watcher = await stack.watch({ conversationId });
    const appender = createEventAppender(stack.redis);
    const address = { conversationId, invocationId };
    const delta = (text: string) => ({ type: 'message.delta', data: { text } }) as const;
    await appender.append(address, 1, [delta('a')], -1);
    await waitUntil(() => watcher.shown(invocationId).text === 'a', { what: 'the first delta' });
    await stack.redis.xadd(logKey(conversationId, invocationId), '0-2', 'a', '1', 't', '0', 'e', lost(address, 'b'));
    await appender.append(address, 1, [delta('c')], 2);
    await waitUntil(() => watcher.shown(invocationId).text === 'abc', { what: 'the hole to be filled' });
    expect(gapFree(seqs(watcher.eventsOf(invocationId)))).toBe(true);
  });

  it('finds the last events after a lost publish, by a read of the log after a silence', async () => {
    const conversationId = await newConversation();
    const invocationId = '01890000-0000-7000-8000-000000000002';
    await insertRunning(conversationId, invocationId);
    const watcher = await stack.watch({ conversationId });
    await createEventAppender(stack.redis).append(
      { conversationId, invocationId },
      1,
      [{ type: 'message.delta', data: { text: 'a' } }],
      -1,
    );
    await stack.redis.xadd(
      logKey(conversationId, invocationId),
      '0-2',
      'a',
      '1',
      't',
      '0',
      'e',
      lost({ conversationId, invocationId }, 'b'),
    );
    await waitUntil(() => watcher.shown(invocationId).text === 'ab', {
      what: 'the silence to be broken',
      timeoutMs: 8_000,
    });
  });

  it('cancels through the socket', async () => {
    const conversationId = await newConversation();
    const watcher = await stack.watch({ conversationId });
    const slow = await createPacedAgent(stack.api, 't0-n400-d25');
    const { body } = await stack.api.invoke({ agentId: slow, message: 'cancel me', conversationId });
    const { id } = body;
    await waitUntil(() => watcher.shown(id).text !== '', { what: 'some text' });
    expect(await watcher.socket.emitWithAck('invocation:cancel', { invocationId: id })).toEqual({
      data: { status: 'running' },
    });
    const shown = await watcher.ended(id);
    expect(shown.last?.type).toBe('invocation.cancelled');
    expect(hashes(shown).shown).toBe(hashes(shown).stored);
    expect(await watcher.socket.emitWithAck('invocation:cancel', { invocationId: id })).toEqual({
      data: { status: 'cancelled' },
    });
  });

  it('answers every invalid request, and stays up', async () => {
    const { socket } = await stack.watch({ conversationId: await newConversation() });
    const ask = (name: string, ...args: unknown[]) =>
      socket.timeout(5_000).emitWithAck(name, ...args) as Promise<{
        error: { code: string; fields: { field: string }[] };
      }>;
    expect((await ask('conversation:subscribe', null)).error.code).toBe('invalid_request');
    expect((await ask('conversation:subscribe', { conversationId: 'x' })).error.fields[0]?.field).toBe(
      'conversationId',
    );
    expect(
      (await ask('conversation:subscribe', { conversationId: await newConversation(), cursors: { x: -1 } })).error.code,
    ).toBe('invalid_request');
    expect(
      (await ask('conversation:subscribe', { conversationId: await newConversation(), filter: 1 })).error.fields[0]
        ?.field,
    ).toBe('filter');
    expect(
      (await ask('conversation:subscribe', { conversationId: '00000000-0000-7000-8000-00000000ffff' })).error.code,
    ).toBe('conversation_not_found');
    expect((await ask('invocation:cancel', { invocationId: '00000000-0000-7000-8000-00000000ffff' })).error.code).toBe(
      'invocation_not_found',
    );
    expect((await ask('conversation:subscribe')).error.fields[0]?.field).toBe('request'); // sent without a request, only with an acknowledgement
    for (const name of ['conversation:subscrib', 'constructor', 'disconnected'])
      expect((await ask(name, { conversationId: await newConversation() })).error).toEqual({
        code: 'invalid_request',
        message:
          'name: expected one of conversation:subscribe, conversation:unsubscribe, invocation:cancel, connection:renew',
        fields: [{ field: 'name', message: expect.stringContaining('conversation:subscribe') }],
      });
    socket.emit('conversation:subscribe', { conversationId: await newConversation() });
    socket.emit('conversation:subscribe', 'text', 7, 'not a function');
    socket.emit('no:such:message', { a: 1 });
    socket.emit('conversation:unsubscribe');
    expect(await ask('conversation:unsubscribe', { conversationId: await newConversation() })).toEqual({ data: null });
    expect((await fetch(`${stack.gatewayUrl}/livez`)).status).toBe(200);
    const nowhere = await fetch(`${stack.gatewayUrl}/nowhere?at=all`);
    expect(nowhere.headers.get('content-type')).toBe('application/problem+json');
    expect(await nowhere.json()).toMatchObject({
      status: 404,
      code: 'not_found',
      detail: 'There is nothing at /nowhere: expected one of /socket.io/, /livez, /readyz, /metrics',
    });
  });

  it.each(['websocket', 'polling'])(
    'lets pages of its own host and of CORS_ORIGINS connect, and no others, over %s',
    async (transport) => {
      const connectFrom = async (origin: string | null) => {
        const socket = io(stack.gatewayUrl, {
          transports: [transport],
          forceNew: true,
          reconnection: false,
          extraHeaders: origin === null ? {} : { origin },
        });
        try {
          return await new Promise<string>((resolve) => {
            socket.on('connect', () => resolve('connected'));
            socket.on('connect_error', () => resolve('refused'));
          });
        } finally {
          socket.disconnect();
        }
      };
      const origins = [null, allowedOrigin, stack.gatewayUrl, 'https://other.example', 'null', 'http://127.0.0.1:1'];
      const [connected, refused] = ['connected', 'refused'];
      expect(await Promise.all(origins.map(connectFrom))).toEqual([
        connected,
        connected,
        connected,
        refused,
        refused,
        refused,
      ]);
    },
  );

  it('lets pages of CORS_ORIGINS poll with any header, and no others', async () => {
    const preflight = async (origin: string) => {
      const wanted = 'authorization,content-type,traceparent,tracestate,x-request-id';
      const { status, headers } = await fetch(`${stack.gatewayUrl}/socket.io/?EIO=4&transport=polling`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': wanted },
      });
      const allowed = headers.get('access-control-allow-headers')?.split(',').sort().join(',');
      return { status, origin: headers.get('access-control-allow-origin'), all: allowed === wanted };
    };
    expect(await preflight(allowedOrigin)).toEqual({ status: 204, origin: allowedOrigin, all: true });
    expect((await preflight('https://other.example')).origin).toBeNull();
  });

  it('refuses a page that calls it by a host name that is not its own', async () => {
    const { hostname, port } = new URL(stack.gatewayUrl);
    const shake = async (name: string) => {
      const headers = { host: `${name}:${port}`, origin: `http://${name}:${port}` };
      const path = '/socket.io/?EIO=4&transport=polling';
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        httpRequest({ hostname, port, path, headers }, resolve).once('error', reject).end();
      });
      return [response.statusCode, await text(response)];
    };
    const refusal = { code: 4, message: 'Host: expected localhost, an IP address or one of ALLOWED_HOSTS' };
    expect(await shake('rebound.example')).toEqual([403, JSON.stringify(refusal)]);
    expect(await shake('localhost')).toEqual([200, expect.stringContaining('"sid"')]);
    await waitUntil(() => stack.gateways.some((each) => each.output().includes('expected localhost, an IP address')), {
      what: 'the refusal to be logged',
    });
  });

  it('answers no JSONP, which any page could read', async () => {
    const response = await fetch(`${stack.gatewayUrl}/socket.io/?EIO=4&transport=polling&j=0`);
    expect([response.status, await response.json()]).toEqual([403, { code: 4, message: 'there is no JSONP' }]);
  });

  it('gives every subscription back when the last watcher has left', async () => {
    const conversationId = await newConversation();
    const channel = `nexus:{${conversationId}}:events`;
    const count = async () => Number((await stack.redis.pubsub('NUMSUB', channel))[1]);
    const one = await stack.watch({ conversationId });
    const two = await stack.watch({ conversationId, gateway: 1 });
    const three = await stack.watch({ conversationId, gateway: 1 });
    expect(await count()).toBe(2);
    one.close();
    two.close();
    await waitUntil(async () => (await count()) === 1, { what: 'one subscription' });
    await three.socket.emitWithAck('conversation:unsubscribe', { conversationId });
    await waitUntil(async () => (await count()) === 0, { what: 'no subscription' });
  });

  it('watches nothing for a client that unsubscribes before its subscribe is answered', async () => {
    const conversationId = await newConversation();
    const { socket, events } = await stack.watch({ conversationId: await newConversation() });
    const answers = await Promise.all([
      socket.emitWithAck('conversation:subscribe', { conversationId }),
      socket.emitWithAck('conversation:unsubscribe', { conversationId }),
    ]);
    expect(answers).toEqual([{ data: { invocations: [] } }, { data: null }]);
    const watching = await stack.watch({ conversationId, gateway: 1 });
    await endsAsStored(watching, (await invoke('unheard', conversationId)).id);
    const [, listening] = await stack.redis.pubsub('NUMSUB', `nexus:{${conversationId}}:events`);
    expect([listening, events]).toEqual([1, []]);
  });

  it.each([
    ['without', false],
    ['unsubscribing first', true],
  ])('sends nothing twice to a client that subscribes again and again, %s', async (_how, unsubscribes) => {
    const watcher = await stack.watch({ conversationId: await newConversation() });
    const { conversationId, socket } = watcher;
    const { id } = await invoke('again and again', conversationId);
    for (let again = 0; again < 50; again += 1) {
      if (unsubscribes) await socket.emitWithAck('conversation:unsubscribe', { conversationId });
      await watcher.subscribe();
    }
    await endsAsStored(watcher, id);
  });

  it('shows every delta once on a page that subscribes before it is connected and again once it is', async () => {
    const conversationId = await newConversation();
    const { id } = await invoke('twice subscribed', conversationId);
    const pages = await Promise.all(
      Array.from({ length: 24 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index * 25)); // before, during and after the answer
        return openPage({ conversationId, cursors: { [id]: 0 }, transport: index % 3 === 0 ? 'polling' : 'websocket' });
      }),
    );
    const { output } = await stack.api.finished(id);
    for (const page of pages) {
      await page.ended(id);
      expect(page.textOf(id)).toBe(output);
      page.socket.disconnect();
    }
  });

  it('adds the invocations that a second subscribe names, and repeats no event of the others', async () => {
    const conversationId = await newConversation();
    const earlier = await invoke('earlier', conversationId);
    await stack.api.finished(earlier.id);
    const page = await openPage({ conversationId, cursors: {}, transport: 'websocket' });
    const { id } = await invoke('goes on', conversationId);
    await waitUntil(() => page.textOf(id).length > 50, { what: 'some text' });
    await page.socket.emitWithAck('conversation:subscribe', { conversationId, cursors: { [earlier.id]: 0 } });
    for (const each of [earlier.id, id]) {
      await page.ended(each);
      expect(page.textOf(each)).toBe((await stack.api.finished(each)).output);
    }
    page.socket.disconnect();
  });

  it('takes a client that does not read off live delivery, and brings it back complete', async () => {
    const conversationId = await newConversation();
    const fast = await stack.watch({ conversationId });
    const slow = await stack.watch({ conversationId });
    const invocationId = '01890000-0000-7000-8000-000000000003';
    await insertRunning(conversationId, invocationId);
    const wire = wireOf(slow);
    wire.pause();
    const appender = createEventAppender(stack.redis);
    const text = 'x'.repeat(30_000);
    let seq = -1;
    for (let index = 0; index < 700; index += 1) {
      ({ seq } = await appender.append(
        { conversationId, invocationId },
        1,
        [{ type: 'message.delta', data: { text } }],
        seq,
      ));
    }
    await waitUntil(() => fast.shown(invocationId).text.length === 700 * text.length, {
      what: 'the fast client to have all',
    });
    await waitUntil(async () => (await slowClients()) > 0, { what: 'the slow client to be noticed' });
    wire.resume();
    await waitUntil(() => slow.shown(invocationId).text.length === 700 * text.length, {
      what: 'the slow client to have all',
    });
    expect(strictlyRising(seqs(slow.eventsOf(invocationId)))).toBe(true);
  });

  it('takes a client off live delivery if a single long event does not go through', async () => {
    const conversationId = await newConversation();
    const slow = await stack.watch({ conversationId });
    const invocationId = '01890000-0000-7000-8000-000000000004';
    await insertRunning(conversationId, invocationId);
    const before = await slowClients();
    const wire = wireOf(slow);
    wire.pause();
    const text = 'x'.repeat(20_000_000); // more than the kernel keeps for two sockets
    await createEventAppender(stack.redis).append(
      { conversationId, invocationId },
      1,
      [{ type: 'message.delta', data: { text } }],
      -1,
    );
    await waitUntil(async () => (await slowClients()) > before, { what: 'the slow client to be noticed' });
    wire.resume();
    await waitUntil(() => slow.shown(invocationId).text.length === text.length, { what: 'the text' });
  });

  it('disconnects a client that sends many requests and does not read the answers', async () => {
    const asking = await stack.watch({ conversationId: await newConversation(), resume: false });
    asking.socket.io.reconnection(false);
    const disconnects = () =>
      stack.gateways
        .map((gateway) => gateway.output())
        .join()
        .split('send requests and do not read').length;
    const before = disconnects();
    wireOf(asking).pause();
    await waitUntil(
      async () => {
        for (let index = 0; index < 3_000; index += 1) asking.socket.emit('no:such:message', () => {});
        await new Promise((resolve) => setTimeout(resolve, 10));
        return disconnects() > before;
      },
      { what: 'the client to be disconnected' },
    );
  });

  it('answers other clients at once while one subscribes thousands of times, and refuses its excess requests', async () => {
    const [greedy, other] = [
      await stack.watch({ conversationId: await newConversation() }),
      await stack.watch({ conversationId: await newConversation() }),
    ];
    const conversationId = await newConversation();
    const subscribe = ({ socket }: Watcher) =>
      socket.timeout(10_000).emitWithAck('conversation:subscribe', { conversationId });
    let subscribed = 0;
    const answers = Array.from({ length: 5_000 }, async () => {
      const { error } = await subscribe(greedy);
      if (!error) subscribed += 1;
      return error?.code;
    });
    await Promise.race(answers);
    expect(await subscribe(other)).toEqual({ data: { invocations: [] } });
    expect(subscribed).toBeLessThan(500); // most requests of the greedy client still wait for their turn
    expect(new Set(await Promise.all(answers))).toEqual(new Set([undefined, 'too_many_subscriptions']));
    expect(subscribed).toBeGreaterThan(1_000);
  });

  /** Appends every delta that it gets, so that a repeat shows. */
  function openPage(options: { conversationId: string; cursors: Record<string, number>; transport: string }) {
    const { conversationId, cursors, transport } = options;
    const texts = new Map<string, string>();
    const ends = new Set<string>();
    const socket = io(stack.gatewayUrl, { transports: [transport], forceNew: true });
    socket.on('invocation:event', ({ invocationId, type, data }: InvocationEvent) => {
      if (type === 'invocation.snapshot') texts.set(invocationId, '');
      if (type === 'message.delta' || type === 'invocation.snapshot')
        texts.set(invocationId, (texts.get(invocationId) ?? '') + data.text);
      if (type === 'invocation.completed' || type === 'invocation.snapshot') ends.add(invocationId);
    });
    const subscribe = () => socket.emit('conversation:subscribe', { conversationId, cursors }, () => {});
    subscribe();
    socket.on('connect', subscribe);
    return {
      socket,
      textOf: (invocationId: string) => texts.get(invocationId) ?? '',
      ended: (invocationId: string) => waitUntil(() => ends.has(invocationId), { what: 'the end' }),
    };
  }

  const slowClients = () => readMetric('nexus_slow_clients_total');

  async function readMetric(name: string): Promise<number> {
    const metrics = await (await fetch(`${stack.gatewayUrl}/metrics`)).text();
    return Number(new RegExp(`^${name}(?:{.*})? (\\d+)`, 'm').exec(metrics)?.[1]);
  }

  /** A running invocation whose worker is this test. */
  async function insertRunning(conversationId: string, invocationId: string): Promise<void> {
    const worker = '01890000-0000-7000-8000-00000000aaaa';
    await stack.database.$executeRaw`
      INSERT INTO worker (id, hostname, pid, concurrency, heartbeat_at) VALUES (${worker}::uuid, 'test', 1, 1, now() + interval '1 hour')
      ON CONFLICT DO NOTHING`;
    await stack.database.$executeRaw`
      INSERT INTO invocation (id, workspace_id, conversation_id, status, provider, model, settings, attempt, dispatch, worker_id, input_message_id, input_position)
      SELECT ${invocationId}::uuid, workspace_id, id, 'running', 'echo', 'echo', '{}', 1, 1, ${worker}::uuid, gen_random_uuid(), 1
      FROM conversation WHERE id = ${conversationId}::uuid`;
    await stack.database
      .$executeRaw`UPDATE conversation SET line = ARRAY[${invocationId}::uuid] WHERE id = ${conversationId}::uuid`;
  }

  function lost(address: { conversationId: string; invocationId: string }, text: string): string {
    return JSON.stringify({ ...address, type: 'message.delta', at: new Date().toISOString(), data: { text } }).slice(1);
  }
});
