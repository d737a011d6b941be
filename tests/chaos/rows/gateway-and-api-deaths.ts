import type { InvocationEvent } from '@nexus/protocol/event';
import { fold, nothingShown, type Shown } from '@nexus/protocol/fold';
import { isFinished } from '@nexus/protocol/invocation-status';
import { io, type Socket } from 'socket.io-client';
import { openProxy } from '../../support/open-proxy.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must, seconds } from '../chaos-row.ts';

export const killGateway: ChaosRow = {
  id: '8',
  title: 'kill -9 a gateway with its clients, another is up',
  async run({ open, scale }) {
    const count = scale === 'full' ? 500 : 100;
    const chaos = await open({ workers: 1, gateways: 2 });
    const [first, second] = chaos.stack.gateways;
    must(first && second, 'two gateways');
    const portOf = (url: string) => Number(new URL(url).port);
    const proxy = await openProxy(portOf(first.url));
    const conversationId = await chaos.newConversation();
    const clients = await Promise.all(
      Array.from({ length: count }, () => openClient(`http://127.0.0.1:${proxy.port}`, conversationId)),
    );
    try {
      const agentId = await chaos.agent('t20-n120-d50');
      const entry = await chaos.post(agentId, 'survives its gateway', { conversationId });
      await waitUntil(() => clients.every(({ shown }) => shown.text.length > 50), {
        what: 'every client to see some text',
      });
      proxy.target(portOf(second.url));
      first.signal('SIGKILL');
      const from = performance.now();
      const before = clients.map(({ shown }) => shown.text.length);
      await waitUntil(() => clients.every(({ shown }, index) => shown.text.length > (before[index] ?? 0) + 10), {
        what: 'every client to resume',
      });
      const ms = performance.now() - from;
      must(ms <= 5_000, `it took ${ms} ms`);
      await waitUntil(() => clients.every(({ shown }) => isFinished(shown.status)), {
        what: 'every client to see the end',
        timeoutMs: 20_000,
      });
      const { output } = await chaos.stack.api.finished(entry.id);
      for (const { shown, ordered } of clients)
        must(shown.text === output && ordered, 'I2: a client shows something else than what is stored');
      for (const { socket } of clients) socket.disconnect();
      await chaos.verify({ dead: [first] });
      return `${count} clients resumed within ${seconds(ms)}`;
    } finally {
      for (const { socket } of clients) socket.disconnect();
      await proxy.close();
    }
  },
};

type Client = { socket: Socket; shown: Shown; ordered: boolean };

/** The smallest client that can resume. */
async function openClient(url: string, conversationId: string): Promise<Client> {
  const socket = io(url, {
    transports: ['websocket'],
    forceNew: true,
    reconnectionDelay: 100,
    reconnectionDelayMax: 1_000,
  });
  const client: Client = { socket, shown: nothingShown(), ordered: true };
  const cursors: Record<string, number> = {};
  socket.on('invocation:event', (event: InvocationEvent) => {
    client.ordered &&= event.seq > (cursors[event.invocationId] ?? 0);
    cursors[event.invocationId] = event.seq;
    fold(client.shown, event);
  });
  await new Promise<void>((resolve) => {
    socket.on('connect', () => socket.emit('conversation:subscribe', { conversationId, cursors }, () => resolve()));
  });
  return client;
}

export const killApi: ChaosRow = {
  id: '9',
  title: 'kill -9 the API between commit and enqueue, and after the enqueue before the 202',
  async run({ open }) {
    const chaos = await open({ workers: 1, throughProxy: true });
    const { stack } = chaos;
    const agentId = await chaos.agent('t5-n5-d5');
    const dead = [...stack.apis];

    // Between commit and enqueue: no command reaches Redis, so the row exists and the job does not.
    chaos.redisProxy?.set({ silent: true });
    const entry = await chaos.post(agentId, 'committed, not enqueued');
    for (const api of dead) api.signal('SIGKILL');
    chaos.redisProxy?.set({});
    chaos.redisProxy?.cut();
    const from = performance.now();
    await waitUntil(() => chaos.provider.callsFor(entry.message)[0], { what: 'the dispatch', timeoutMs: 10_000 });
    const ms = performance.now() - from;
    must(ms <= 2_000, `the dispatch took ${ms} ms`);

    // Before the 202: the answer never arrives, and the client posts again with its key.
    const api = await stack.start('api');
    const proxy = await openProxy(Number(new URL(api.url).port));
    proxy.set({ delayMs: 1_000 }); // the job is on the queue before the answer gets here
    const body = JSON.stringify({ agentId, message: 'asked again' });
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'chaos-9' };
    const lost = fetch(`http://127.0.0.1:${proxy.port}/api/invoke`, { method: 'POST', headers, body }).then(
      (response) => response.status,
      () => 'no answer',
    );
    const ofKey = { idempotencyKey: 'chaos-9' };
    await waitUntil(() => stack.database.invocation.count({ where: { ...ofKey, enqueuedAt: { not: null } } }), {
      what: 'the job to be on the queue',
    });
    api.signal('SIGKILL');
    dead.push(api);
    must((await lost) === 'no answer', 'the first request was answered');
    await proxy.close();
    await stack.start('api');
    const [first] = await stack.database.invocation.findMany({ where: ofKey });
    const retried = await stack.api.invoke({ agentId, message: 'asked again' }, { 'idempotency-key': 'chaos-9' });
    must(retried.status === 202 && retried.body.id === first?.id, `status ${retried.status}, ${retried.body.id}`);
    chaos.accepted.push({ id: first.id, conversationId: first.conversationId, message: 'asked again' });
    await stack.api.finished(first.id);
    must((await stack.database.invocation.count({ where: ofKey })) === 1, 'the key has several rows');
    must(chaos.provider.callsFor('asked again').length === 1, 'not one call');
    await chaos.verify({ dead });
    return `dispatched after ${seconds(ms)}; the retry found its invocation`;
  },
};
