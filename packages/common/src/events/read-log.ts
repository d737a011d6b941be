import type { InvocationEvent } from '@nexus/protocol/event';
import type { Redis } from '../redis/redis-connection.ts';
import { type LogAddress, logKey } from './event-log-names.ts';

/** How many events one read returns. A long log comes in pages. */
const pageSize = 500;

/** `attempts` has the attempt that wrote each event; 0 before the first attempt. */
export type LogPage = { events: InvocationEvent[]; attempts: number[]; more: boolean };

/** Up to a page of events with a seq above `after`, oldest first. Empty if there are no more, or if the log is gone. */
export async function readLog(redis: Redis, address: LogAddress, after: number): Promise<LogPage> {
  const key = logKey(address.conversationId, address.invocationId);
  const entries = await redis.xrange(key, `0-${after + 1}`, '+', 'COUNT', pageSize);
  return {
    events: entries.map(([id, fields]) => parseEntry(id, fields)),
    attempts: entries.map(([, fields]) => Number(fields[1])),
    more: entries.length === pageSize,
  };
}

/** The seq of the newest event; 0 if there is no log. */
export async function readLastSeq(redis: Redis, address: LogAddress): Promise<number> {
  const [last] = await redis.xrevrange(logKey(address.conversationId, address.invocationId), '+', '-', 'COUNT', 1);
  return last ? seqOf(last[0]) : 0;
}

/** How many events a log may have before its first attempt: `invocation.queued`. */
export const queuedEvents = 1;

/**
 * The seq that the next event will have, for a row that must store it before. If there is no log, or Redis does not answer, assume that
 * `invocation.queued` is in it: it may be written at this moment. If the seq is too high, a reader that comes back after the log has expired gets
 * the end again. If it is too low, that reader would not get the end at all.
 */
export async function foreseeSeq(redis: Redis, address: LogAddress): Promise<number> {
  return 1 + Math.max(queuedEvents, await readLastSeq(redis, address).catch(() => 0));
}

function seqOf(id: string): number {
  return Number(id.slice(2));
}

function parseEntry(id: string, fields: string[]): InvocationEvent {
  return JSON.parse(`{"seq":${seqOf(id)},${fields[5]}`) as InvocationEvent;
}

/**
 * Joins neighbouring deltas of one kind into one event. Its `seq` is that of the last, its `from` that of the first. Other events stay as they are.
 */
export function joinDeltas(events: InvocationEvent[]): InvocationEvent[] {
  const joined: InvocationEvent[] = [];
  for (const event of events) {
    const previous = joined.at(-1);
    if (previous && isDelta(event) && isDelta(previous) && follows(event, previous))
      joined[joined.length - 1] = join(previous, event);
    else joined.push(event);
  }
  return joined;
}

function follows(event: DeltaEvent, previous: DeltaEvent): boolean {
  return previous.type === event.type && previous.seq + 1 === event.seq;
}

/** Copies each field by name: a spread of a published event copies only some of them. */
function join(previous: DeltaEvent, { conversationId, invocationId, seq, type, at, data }: DeltaEvent): DeltaEvent {
  const text = previous.data.text + data.text;
  return { conversationId, invocationId, seq, from: previous.from ?? previous.seq, type, at, data: { text } };
}

type DeltaEvent = Extract<InvocationEvent, { type: 'message.delta' | 'reasoning.delta' }>;

function isDelta(event: InvocationEvent): event is DeltaEvent {
  return event.type === 'message.delta' || event.type === 'reasoning.delta';
}
