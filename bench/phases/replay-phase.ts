import { createEventAppender } from '@nexus/common/events/append-events';
import type { InvocationEvent, NewEvent } from '@nexus/protocol/event';
import { Redis } from 'ioredis';
import { percentile } from '../figures/percentile.ts';
import { toText } from '../figures/versus.ts';
import { connect } from '../load/connect.ts';
import { monotonicMs } from '../processes/monotonic-ms.ts';
import type { Nexus } from '../stack/open-nexus.ts';
import { type Parked, parkInvocation } from '../stack/park-invocation.ts';
import { type Phase, scaled } from './phase.ts';

const deltas = 5_000;
const deltasPerAppend = 250;

/** Someone arrives when an answer has 5,000 deltas behind it: over the socket, and as JSON. */
export const replayPhase: Phase = {
  name: 'replay',
  title: `replay of a ${deltas.toLocaleString('en')}-delta log`,
  async run({ bench: { nexus }, scale, say }) {
    const parked = await parkInvocation(nexus);
    try {
      const last = await writeLog(nexus, parked);
      const times = scaled(20, scale, 5);
      const socketMs: number[] = [];
      const jsonMs: number[] = [];
      say(`${times} readers, one after another`);
      await readBySocket(nexus, parked, last);
      for (let time = 0; time < times; time += 1) {
        socketMs.push(await readBySocket(nexus, parked, last));
        jsonMs.push(await readAsJson(nexus, parked, last));
      }
      const line = (name: string, ms: number[]) =>
        `${name}: p50 ${toText(percentile(ms, 0.5))} ms, p99 ${toText(percentile(ms, 0.99))} ms`;
      return {
        lines: [line('socket, from subscribing to the last delta', socketMs), line('GET …/events as JSON', jsonMs)],
        figures: [],
        panels: [
          {
            title: `replay of ${deltas} deltas`,
            unit: 'ms, p50',
            groups: [
              { label: 'socket', bars: [{ series: 'nexus', value: percentile(socketMs, 0.5) }] },
              { label: 'JSON', bars: [{ series: 'nexus', value: percentile(jsonMs, 0.5) }] },
            ],
          },
        ],
        data: { deltas, socketMs, jsonMs },
      };
    } finally {
      await parked.cancel();
    }
  },
};

/** The seq of the last. */
async function writeLog({ redis }: Nexus, parked: Parked): Promise<number> {
  const connection = new Redis(redis.url);
  const appender = createEventAppender(connection);
  let { lastSeq } = parked;
  for (let written = 0; written < deltas; written += deltasPerAppend) {
    const events = Array.from(
      { length: deltasPerAppend },
      (_, index): NewEvent => ({ type: 'message.delta', data: { text: `word${written + index} ` } }),
    );
    lastSeq = (await appender.append(parked, 1, events, lastSeq)).seq;
  }
  connection.disconnect();
  return lastSeq;
}

async function readBySocket({ gatewayUrl }: Nexus, parked: Parked, last: number): Promise<number> {
  const socket = await connect(gatewayUrl);
  let text = '';
  const caughtUp = new Promise<void>((resolve) => {
    socket.on('invocation:event', (event: InvocationEvent) => {
      if (event.type === 'message.delta') text += event.data.text;
      if (event.seq === last) resolve();
    });
  });
  const startedAt = monotonicMs();
  const { conversationId, invocationId } = parked;
  await socket.emitWithAck('conversation:subscribe', { conversationId, cursors: { [invocationId]: 0 } });
  await caughtUp;
  const ms = monotonicMs() - startedAt;
  socket.disconnect();
  assertWhole(text);
  return ms;
}

async function readAsJson({ apiUrl }: Nexus, { invocationId }: Parked, last: number): Promise<number> {
  const startedAt = monotonicMs();
  const response = await fetch(`${apiUrl}/api/invocations/${invocationId}/events`, {
    headers: { accept: 'application/json' },
  });
  const events = (await response.json()) as InvocationEvent[];
  const ms = monotonicMs() - startedAt;
  assertWhole(events.map((event) => (event.type === 'message.delta' ? event.data.text : '')).join(''));
  if (events.at(-1)?.seq !== last) throw new Error(`the log ends at ${events.at(-1)?.seq}, not ${last}`);
  return ms;
}

function assertWhole(text: string): void {
  const words = text.split(' ').length - 1;
  if (words !== deltas) throw new Error(`${words} of ${deltas} deltas were replayed`);
}
