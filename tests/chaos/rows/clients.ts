import { logKey } from '@nexus/common/events/event-log-names';
import type { InvocationEvent } from '@nexus/protocol/event';
import { io } from 'socket.io-client';
import { type Behaviour, beginStream, finishStream, pause, sendText } from '../../support/open-provider-server.ts';
import { residentBytes } from '../../support/resident-bytes.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type Watcher, wireOf } from '../../support/watch-conversation.ts';
import { type ChaosRow, createRandom, must, seconds, sleep } from '../chaos-row.ts';

export const clientAway: ChaosRow = {
  id: '15',
  title: 'a client away for a moment, for long, past the log, with cursors it cannot have, and subscribed many times',
  async run({ open, scale, seed }) {
    const chaos = await open({ workers: 1 });
    const agentId = await chaos.agent('t20-n60-d25');
    const conversationId = await chaos.newConversation();
    const watcher = await chaos.watch(conversationId);
    const left = await chaos.watch(conversationId);
    const repeating = await chaos.watch(conversationId);
    const entry = await chaos.post(agentId, 'watched on and off', { conversationId });
    await waitUntil(() => left.shown(entry.id).text !== '', { what: 'some text' });
    left.socket.disconnect();
    const repeated = subscribeAtRandom(repeating, entry.id, createRandom(seed));
    repeated.catch(() => {}); // awaited below
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
    const times = await repeated;
    const { output } = await chaos.stack.api.finished(entry.id);
    await chaos.stack.redis.pexpire(logKey(conversationId, entry.id), 1);
    await waitUntil(async () => !(await chaos.stack.redis.exists(logKey(conversationId, entry.id))), {
      what: 'the log to expire',
    });
    const from = performance.now();
    left.socket.connect(); // with its real cursor
    must(
      (await left.ended(entry.id)).last?.type === 'invocation.snapshot',
      'one that was away past the log was not given a snapshot',
    );
    const ms = performance.now() - from;
    const late = [
      { what: 'forged', cursor: 3 },
      { what: 'future', cursor: 9_000_000 },
      { what: 'at the start', cursor: 0 },
    ];
    for (const { what, cursor } of late) {
      await chaos.watch(conversationId, { cursors: { [entry.id]: cursor } });
      const { body } = await chaos.stack.api.get<InvocationEvent[]>(
        `/api/invocations/${entry.id}/events?after=${cursor}`,
        { accept: 'application/json' },
      );
      const [event] = body;
      must(
        event?.type === 'invocation.snapshot' && event.data.text === output,
        `${what}: HTTP answered ${event?.type}`,
      );
    }
    const negative = await chaos.stack.api.get(`/api/invocations/${entry.id}/events`, { 'last-event-id': '-1' });
    must(negative.status === 422, `HTTP took a negative cursor: ${negative.status}`);
    const refused = await watcher.socket.emitWithAck('conversation:subscribe', {
      conversationId,
      cursors: { [entry.id]: -1 },
    });
    must(refused.error?.code === 'invalid_request', 'a negative cursor was taken');
    await chaos.verify();
    must(chaos.provider.calls.length === 1, 'a client that returned caused another call');
    return `exact fill, also for one that subscribed ${times} times, snapshot ${seconds(ms)} after it came back, or a clear error; one generation`;
  },
};

/** Sends up to three subscribes at a time, with cursors from none to its own, and no unsubscribe. Returns how many it sent. */
async function subscribeAtRandom(watcher: Watcher, id: string, random: () => number): Promise<number> {
  let times = 0;
  while (watcher.shown(id).last?.type !== 'invocation.completed') {
    const together = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
      watcher.subscribe({ [id]: Math.floor(random() * (watcher.shown(id).seq + 1)) }),
    );
    await Promise.all(together);
    times += together.length;
    await sleep(random() * 60);
  }
  return times;
}

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
    // It also watches a second conversation, whose answer is larger than the buffers of sockets and kernel. Only then does a client that does not
    // read really fall behind.
    const [slow, other] = [await chaos.watch(conversationId), await chaos.newConversation()];
    const watchOther = async () => {
      const joined = await slow.socket.emitWithAck('conversation:subscribe', {
        conversationId: other,
        cursors: slow.cursors(),
      });
      must(joined.error === undefined, `the second conversation was refused: ${JSON.stringify(joined.error)}`);
    };
    await watchOther();
    slow.socket.on('connect', () => void watchOther()); // the gateway disconnects a client that does not answer pings
    const pace = scale === 'full' ? 't20-n40-d100' : 't20-n50-d20'; // low enough to keep the machine idle
    const [agentId, floodId] = [await chaos.agent(pace), await chaos.agent('t0-n1-d0')];
    const measure = async (round: string) => {
      ages.length = 0;
      const before = await residentBytes(gateway.url);
      chaos.provider.next(flood);
      const flooded = await chaos.post(floodId, `flood, ${round}`, { conversationId: other });
      await chaos.stack.api.finished(flooded.id, 60);
      const { id } = await chaos.post(agentId, round, { conversationId });
      await chaos.stack.api.finished(id, 60);
      await sleep(300);
      const grownBytes = (await residentBytes(gateway.url)) - before;
      return { flooded, grownBytes, p99: ages.toSorted((a, b) => a - b)[Math.floor(ages.length * 0.99)] ?? 0 };
    };
    /** A new connection for each round: the kernel enlarges the buffers of a connection that has read a flood. */
    const connectAnew = async () => {
      const connected = new Promise<void>((resolve) => slow.socket.once('connect', () => resolve()));
      slow.socket.io.engine.close();
      await connected;
      await sleep(500);
    };
    try {
      await measure('warm up');
      const [without, withSlow]: [number[], number[]] = [[], []];
      let grownBytes = 0;
      const holds = () => Math.min(...withSlow) <= Math.max(floorMs, Math.min(...without) * 1.3);
      for (let round = 0; round < minRounds || (round < maxRounds && !holds()); round += 1) {
        without.push((await measure(`all read ${round}`)).p99);
        await connectAnew();
        const paused = wireOf(slow);
        paused.pause();
        const measured = await measure(`one does not read ${round}`);
        must((slow.shown(measured.flooded.id).text.length ?? 0) < floodLength, 'it was still reading');
        paused.resume();
        withSlow.push(measured.p99);
        grownBytes = Math.max(grownBytes, measured.grownBytes);
        const shown = await slow.ended(measured.flooded.id, 30_000);
        must(shown.text.length === floodLength, `caught up with ${shown.text.length} of ${floodLength} characters`);
      }
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      const noticed = Number(/nexus_slow_clients_total (\d+)/.exec(metrics)?.[1]);
      must(noticed >= withSlow.length, `taken off live delivery ${noticed} times in ${withSlow.length} rounds`);
      const [usual, meanwhile] = [Math.min(...without), Math.min(...withSlow)];
      must(holds(), `p99 of the others ${meanwhile} ms against ${usual} ms without`);
      must(grownBytes < maxGrowthBytes, `the gateway grew by ${(grownBytes / 1e6).toFixed(0)} MB`);
      for (const socket of clients) socket.disconnect();
      await chaos.verify({ mayGrowBytes: 600_000_000 }); // the floods went through the worker's heap
      return `p99 of ${count} others ${meanwhile} ms against ${usual} ms; the slow one caught up; the gateway grew by ${(grownBytes / 1e6).toFixed(0)} MB`;
    } finally {
      for (const socket of clients) socket.disconnect();
    }
  },
};

/** Ages are whole milliseconds of two clocks, so below this value the ratio means nothing. */
const floorMs = 10;
/** Takes the best of several rounds, because other load makes a round only slower. */
const minRounds = 2;
const maxRounds = 6;
/** A gateway that keeps the events of a client that does not read grows by more than the whole flood. */
const maxGrowthBytes = 100_000_000;
const floodChunks = 400;
const floodChunk = 'seven '.repeat(5_000);
const floodLength = floodChunks * floodChunk.length;

const flood: Behaviour = async (call, response, gone) => {
  beginStream(response);
  for (let index = 0; index < floodChunks && !gone.aborted; index += 1) {
    sendText(call, response, floodChunk);
    await pause(2, gone);
  }
  finishStream(call, response);
};

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
