import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { type InvocationEvent, isLastEvent } from '@nexus/common/event';
import { logKey } from '@nexus/common/event-log-names';
import fc from 'fast-check';
import { io } from 'socket.io-client';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must, seconds, sleep } from '../chaos-row.ts';

export const clientAway: ChaosRow = {
  id: '15',
  title: 'a client away for a moment, for long, past the log, and with cursors it cannot have',
  async run({ open, scale }) {
    const chaos = await open({ workers: 1 });
    const agentId = await chaos.agent('t20-n60-d25');
    const conversationId = await chaos.newConversation();
    const watcher = await chaos.watch(conversationId);
    const entry = await chaos.post(agentId, 'watched on and off', { conversationId });
    for (const awayMs of [100, scale === 'full' ? 10_000 : 1_000]) {
      const length = watcher.shown(entry.id).text.length;
      await waitUntil(
        () =>
          watcher.shown(entry.id).text.length > length || watcher.shown(entry.id).last?.type === 'invocation.completed',
        { what: 'more text' },
      );
      watcher.socket.disconnect();
      await sleep(awayMs);
      watcher.socket.connect();
    }
    await watcher.ended(entry.id);
    await chaos.stack.api.finished(entry.id);
    const late = [
      { what: 'forged', cursors: { [entry.id]: 3 }, lose: true },
      { what: 'future', cursors: { [entry.id]: 9_000_000 }, lose: false },
      { what: 'at the start', cursors: { [entry.id]: 0 }, lose: false },
    ];
    for (const { cursors, lose } of late) {
      if (lose) await chaos.stack.redis.del(logKey(conversationId, entry.id));
      await chaos.watch(conversationId, { cursors });
    }
    const refused = await watcher.socket.emitWithAck('conversation:subscribe', {
      conversationId,
      cursors: { [entry.id]: -1 },
    });
    must(refused.error?.code === 'invalid_request', 'a negative cursor was taken');
    await chaos.verify();
    must(chaos.provider.calls.length === 1, 'a client that returned caused another call');
    return 'exact fill, snapshot, or a clear error; one generation';
  },
};

export const slowReader: ChaosRow = {
  id: '16',
  title: 'many clients in one room, one of which does not read',
  async run({ open, scale }) {
    const count = scale === 'full' ? 500 : 100;
    const chaos = await open({ workers: 1 });
    const gateway = chaos.stack.gateways[0];
    must(gateway, 'a gateway');
    const conversationId = await chaos.newConversation();
    const ages: number[] = [];
    const clients = await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = io(gateway.url, { transports: ['websocket'], forceNew: true });
        socket.on('invocation:event', (event: InvocationEvent) => {
          if (event.type === 'message.delta') ages.push(Date.now() - Date.parse(event.at));
        });
        await new Promise((resolve) =>
          socket.on('connect', () => socket.emit('conversation:subscribe', { conversationId }, resolve)),
        );
        return socket;
      }),
    );
    const slow = await chaos.watch(conversationId);
    const agentId = await chaos.agent('t20-n100-d10');
    const measure = async (message: string) => {
      ages.length = 0;
      const { id } = await chaos.post(agentId, message, { conversationId });
      await chaos.stack.api.finished(id, 60);
      await sleep(300);
      return ages.toSorted((a, b) => a - b)[Math.floor(ages.length * 0.99)] ?? 0;
    };
    try {
      await measure('warm up');
      const without = await measure('all read');
      const wire = (
        slow.socket.io.engine.transport as unknown as { ws: { _socket: { pause(): void; resume(): void } } }
      ).ws._socket;
      wire.pause();
      const withSlow = await measure('one does not read');
      wire.resume();
      // Milliseconds are coarse here: below this age the ratio says nothing.
      const floorMs = 25;
      must(
        withSlow <= Math.max(floorMs, without * 1.3),
        `p99 of the others ${withSlow} ms against ${without} ms without`,
      );
      for (const socket of clients) socket.disconnect();
      await chaos.verify();
      return `p99 of ${count} others ${withSlow} ms against ${without} ms; the slow one caught up`;
    } finally {
      for (const socket of clients) socket.disconnect();
    }
  },
};

/** A raw request, for what no client library would send. */
function raw(url: string, bytes: string, limitMs = 15_000): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), limitMs);
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

export const badRequests: ChaosRow = {
  id: '19',
  title: 'requests that no client should send, and fuzzed ones',
  async run({ open, scale, seed }) {
    const requests = scale === 'full' ? 10_000 : 1_000;
    const chaos = await open({ workers: 1, gateways: 0 });
    const { api, apiUrl } = chaos.stack;
    const agentId = chaos.stack.echoAgentId;
    const refused = async (body: string, what: string) => {
      const response = await fetch(`${apiUrl}/api/invoke`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const isProblem = response.headers.get('content-type')?.includes('application/problem+json');
      must(response.status >= 400 && response.status < 500 && isProblem, `${what}: ${response.status}`);
    };
    await refused(`{"message":"${'x'.repeat(2_000_000)}"}`, 'a body over the limit');
    await refused(`${'['.repeat(100_000)}${']'.repeat(100_000)}`, '100,000-deep JSON');
    await refused(
      `{"agentId":"${agentId}","message":"x","metadata":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      'deep metadata',
    );
    await refused(`{"agentId":"${agentId}","message":"x","__proto__":{"admin":true}}`, '__proto__');
    await refused(`{"agentId":{"$ne":null},"message":"x"}`, 'an operator');
    await refused(`{"agentId":"${agentId}","message":"a\\u0000b"}`, 'NUL');
    await refused(`{"agentId":"${agentId}","message":"a\\ud800b"}`, 'half a surrogate pair');
    const kept = await chaos.post(agentId, `'; DROP TABLE message; -- ${'ü🦙'}`);
    must(
      (await api.finished(kept.id)).output?.endsWith(`'; DROP TABLE message; -- ü🦙`),
      'SQL in a message was not kept as text',
    );
    must(
      /^HTTP\/1\.1 400/.test(
        await raw(
          apiUrl,
          'POST /api/invoke HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: nine\r\n\r\n',
        ),
      ),
      'a bad content-length',
    );
    must(/^HTTP\/1\.1 400/.test(await raw(apiUrl, 'NONSENSE\r\n\r\n')), 'no HTTP at all');
    const slowFrom = performance.now();
    const slowloris = await raw(apiUrl, 'POST /api/invoke HTTP/1.1\r\nHost: x\r\nX-Slow: ', 20_000);
    must(
      /^HTTP\/1\.1 408/.test(slowloris) && performance.now() - slowFrom < 18_000,
      `slow headers: ${slowloris.slice(0, 40)}`,
    );

    const oddText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom("' OR 1=1 --", '\0', '\ud800', '__proto__', '{{7*7}}', '../../etc'),
    );
    const odd = fc.oneof(
      oddText,
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const field = (fits: fc.Arbitrary<unknown>) =>
      fc.option(fc.oneof({ arbitrary: fits, weight: 3 }, { arbitrary: odd, weight: 1 }), { nil: undefined });
    const body = fc.record({
      agentId: field(fc.constantFrom(agentId, '00000000-0000-7000-8000-00000000ffff')),
      message: field(oddText),
      conversationId: fc.option(odd, { nil: undefined, freq: 4 }),
      multitaskStrategy: field(fc.constantFrom('enqueue', 'reject', 'interrupt', 'rollback', 'parallel')),
      metadata: field(fc.dictionary(oddText, fc.jsonValue(), { maxKeys: 4 })),
      overrides: field(fc.record({ temperature: odd, model: oddText }, { requiredKeys: [] })),
      deadlineMs: field(fc.integer({ min: -10, max: 100_000 })),
    });
    const statuses = new Map<number, number>();
    const bodies = fc.sample(body, { numRuns: requests, seed });
    for (let start = 0; start < bodies.length; start += 20) {
      await Promise.all(
        bodies.slice(start, start + 20).map(async (each) => {
          const { status } = await api.send('POST', '/api/invocations', each);
          must(status < 500, `${status} for ${JSON.stringify(each)}`);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }),
      );
    }
    // Some of the fuzzed ones were fine and accepted: they have to end like any other.
    await waitUntil(
      async () =>
        (await chaos.stack.database.invocation.count({ where: { status: { in: ['queued', 'running'] } } })) === 0,
      { what: 'I1: all that was accepted among the fuzzed to end', timeoutMs: 60_000, everyMs: 100 },
    );
    await chaos.verify({ boundMs: 60_000 });
    const agent = new (await import('node:http')).Agent();
    const alive = await new Promise((resolve) =>
      httpRequest(`${apiUrl}/livez`, { agent }, (response) => resolve(response.statusCode)).end(),
    );
    agent.destroy();
    must(alive === 200, 'the API died');
    return `${requests} fuzzed requests: ${[...statuses]
      .toSorted()
      .map(([status, times]) => `${times} × ${status}`)
      .join(', ')}`;
  },
};

export const badPackets: ChaosRow = {
  id: '20',
  title: 'malformed Socket.IO packets, binary floods, 10,000 subscribes, 1 MB events',
  async run({ open, scale }) {
    const subscribes = scale === 'full' ? 10_000 : 2_000;
    const chaos = await open({ workers: 1 });
    const url = chaos.stack.gatewayUrl;
    const conversationId = await chaos.newConversation();
    const watcher = await chaos.watch(conversationId);

    for (const packet of [
      '42',
      '42["',
      '42[]',
      '42{}',
      '45-1["x"]',
      '51-["x",{"_placeholder":true,"num":9}]',
      '4999',
      '\u0000',
      '2probe',
      '40/nowhere,',
      '44{"a":1}',
      '42["__proto__"]',
      '42["connect"]',
      '42["disconnect"]',
      '42["conversation:subscribe",{"__proto__":{"a":1}}]',
    ]) {
      await sendRaw(url, packet);
    }
    await sendRaw(url, Buffer.alloc(60_000, 7));
    await sendRaw(url, `42["conversation:subscribe","${'x'.repeat(1_000_000)}"]`);

    const greedy = io(url, { transports: ['websocket'], forceNew: true });
    await new Promise<void>((resolve) => greedy.on('connect', () => resolve()));
    const answers = await Promise.all(
      Array.from({ length: subscribes }, (_, index) =>
        greedy.timeout(60_000).emitWithAck('conversation:subscribe', {
          conversationId:
            index % 2 === 0 ? conversationId : `00000000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`,
        }),
      ),
    );
    must(
      answers.every((answer) => 'data' in answer || 'error' in answer),
      'a subscribe was not answered',
    );
    greedy.disconnect();

    const agentId = await chaos.agent('t20-n20-d10');
    const entry = await chaos.post(agentId, 'after all that', { conversationId });
    const shown = await watcher.ended(entry.id);
    must(shown.last && isLastEvent(shown.last), 'the room is dead');
    await chaos.verify();
    return `${subscribes} subscribes answered; the others never noticed`;
  },
};

/** Opens a Socket.IO connection by hand, sends one packet, and waits until it is refused or a moment has passed. */
function sendRaw(url: string, packet: string | Buffer): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  return new Promise((resolve) => {
    socket.onopen = () => {
      socket.send('40');
      socket.send(typeof packet === 'string' ? packet : new Uint8Array(packet));
      setTimeout(() => socket.close(), 50);
    };
    socket.onerror = () => {};
    socket.onclose = () => resolve();
  });
}

export const nobodyThere: ChaosRow = {
  id: '21',
  title: 'no worker online for a provider',
  async run({ open }) {
    const chaos = await open({ workers: 1, env: { WORKER_PROVIDERS: 'openai' } });
    const conversationId = await chaos.newConversation();
    const watcher = await chaos.watch(conversationId);
    const from = performance.now();
    const entry = await chaos.post(chaos.stack.echoAgentId, 'is anybody there', { conversationId, deadlineMs: 2_000 });
    const { body } = await chaos.stack.api.get<{ status: string; workersOnline: number }>(
      `/api/invocations/${entry.id}`,
    );
    must(body.status === 'queued' && body.workersOnline === 0, `it says ${JSON.stringify(body)}`);
    const ready = await chaos.stack.api.get<{ workersOnline: Record<string, number> }>('/readyz');
    must(
      ready.body.workersOnline.echo === 0 && ready.body.workersOnline.openai === 1,
      `/readyz says ${JSON.stringify(ready.body)}`,
    );
    await waitUntil(() => watcher.eventsOf(entry.id)[0], { what: 'the queued event' });
    const first = watcher.eventsOf(entry.id)[0];
    must(
      first?.type === 'invocation.queued' && first.data.position === 1,
      `the first event is ${JSON.stringify(first)}`,
    );
    await watcher.ended(entry.id);
    const ms = performance.now() - from;
    const { error } = await chaos.stack.api.finished(entry.id);
    must(error?.code === 'deadline_exceeded', `it ended with ${error?.code}`);
    await chaos.verify({ statuses: ['failed'] });
    return `said so at once; ended ${seconds(ms - 2_000)} after its deadline`;
  },
};
