import { createEventAppender } from '@nexus/common/events/append-events';
import type { NewEvent } from '@nexus/protocol/event';
import { Redis } from 'ioredis';
import { inBatches } from '../load/connect.ts';
import { monotonicMs } from '../processes/monotonic-ms.ts';
import { serveCalls } from '../processes/serve-calls.ts';
import type { Broadcast, BroadcastOrder, FanOutAddress, OpenRooms } from './fan-out.ts';
import { openSocket, type RawSocket } from './open-socket.ts';

/** Everybody in the rooms, and who speaks in them: for the system as a worker does, through the log in Redis. */
const address = JSON.parse(process.env.BENCH_TARGET ?? '') as FanOutAddress;
/** Events under way at the same time: enough to keep the broadcaster busy, fewer than make a client slow. */
const window = 32;
const limitMs = 60_000;

let sockets: RawSocket[] = [];
let received = 0;
let onReceived = () => {};
const onEvent = () => {
  received += 1;
  onReceived();
};
const publish = address.kind === 'nexus' ? createNexusPublisher(address.redisUrl) : await createRawPublisher();

const delta = (index: number): NewEvent => ({ type: 'message.delta', data: { text: `word ${index} of an answer ` } });

function createNexusPublisher(redisUrl: string) {
  const appender = createEventAppender(new Redis(redisUrl));
  return (to: BroadcastOrder, index: number) => void appender.append(to, 1, [delta(index)], -1);
}

async function createRawPublisher() {
  const speaker = await openSocket(address.gatewayUrl, () => {});
  return ({ conversationId, invocationId }: BroadcastOrder, index: number) =>
    speaker.send('publish', conversationId, {
      seq: index,
      conversationId,
      invocationId,
      at: new Date().toISOString(),
      ...delta(index),
    });
}

async function join(room: string, { invocationId, lastSeq = 0 }: OpenRooms): Promise<RawSocket> {
  const socket = await openSocket(address.gatewayUrl, onEvent);
  const cursors = invocationId === undefined ? {} : { [invocationId]: lastSeq };
  if (address.kind === 'raw') await socket.ask('join', room);
  else await socket.ask('conversation:subscribe', { conversationId: room, cursors });
  return socket;
}

async function broadcast(order: BroadcastOrder): Promise<Broadcast> {
  const clients = sockets.length;
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => done.reject(new Error(`${received} of ${order.events * clients} deliveries within ${limitMs} ms`)),
    limitMs,
  );
  let sent = 0;
  received = 0;
  onReceived = () => {
    if (received === order.events * clients) done.resolve();
    while (sent < order.events && sent * clients - received < window * clients) {
      sent += 1;
      publish(order, sent);
    }
  };
  const startedAt = monotonicMs();
  onReceived();
  await done.promise;
  clearTimeout(timer);
  return { deliveries: received, seconds: (monotonicMs() - startedAt) / 1_000 };
}

serveCalls(null, {
  async open(order: OpenRooms) {
    sockets = await inBatches(order.rooms, 25, (room) => join(room, order));
  },
  broadcast,
  close() {
    for (const socket of sockets) socket.close();
    sockets = [];
  },
});
