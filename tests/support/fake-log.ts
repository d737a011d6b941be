import { type FeedEvent, parseEvent } from '@nexus/common/events/event-json';
import type { LogAddress } from '@nexus/common/events/event-log-names';
import type { FeedSources } from '@nexus/common/feeds/conversation-feed';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { type InvocationEvent, isLastEvent } from '@nexus/protocol/event';

const at = '2026-01-01T00:00:00.000Z';

/** Waits until the test allows the next step. `what` is for its report. */
export type Gate = (what: string) => Promise<unknown>;

export type FakeLog = {
  sources: FeedSources;
  /** The cause of each event that a reader got late. */
  late: string[];
  /** How often the log was read. */
  reads(): number;
  /** Creates the row. */
  begin(invocationId: string, begunAgoMs: number): void;
  /** Appends like a worker: for the last event the row first, then the log and the channel in one step. */
  append(invocationId: string, type: 'message.delta' | 'invocation.completed'): Promise<void>;
  eventsOf(invocationId: string): InvocationEvent[];
  /** The unfinished invocations, and those of `named` that exist. */
  watchable(named: string[]): string[];
  /** Sets whether the subscriber is connected. While it is not, events that are published or under way are lost. */
  connected(is: boolean): void;
};

/** The logs, rows and channel of one conversation, without servers. Each read, answer and delivery waits at the gate. */
export function createFakeLog(conversationId: string, gate: Gate): FakeLog {
  const logs = new Map<string, InvocationEvent[]>();
  const rows = new Map<string, { begunAgoMs: number; finished: boolean }>();
  const listeners = new Set<{ hear(event: FeedEvent): void }>();
  const late: string[] = [];
  let onTheWay: InvocationEvent[] = [];
  let [isConnected, reads] = [true, 0];
  const eventsOf = (invocationId: string) => logs.get(invocationId) ?? [];

  async function passing<T>(what: string, take: () => T): Promise<T> {
    await gate(`${what} begins`);
    const taken = take();
    await gate(`${what} is answered`);
    return taken;
  }
  /** Redis delivers in order, whichever gate opens first. */
  async function publish(event: InvocationEvent): Promise<void> {
    if (!isConnected) return;
    onTheWay.push(event);
    await gate(`${event.invocationId} ${event.seq} arrives`);
    const first = onTheWay.shift();
    if (first) for (const listener of [...listeners]) listener.hear(parseEvent(JSON.stringify(first)));
  }
  const snapshotOf = ({ invocationId }: LogAddress): InvocationEvent => ({
    ...{ conversationId, invocationId, at, type: 'invocation.snapshot' as const },
    seq: rows.get(invocationId)?.finished ? finalSeq(eventsOf(invocationId)) : 0,
    data: {
      status: rows.get(invocationId)?.finished ? 'completed' : 'running',
      text: textOf(eventsOf(invocationId)),
      reasoning: '',
      upToSeq: finalSeq(eventsOf(invocationId)),
      messageId: null,
      contentSha256: null,
      error: null,
    },
  });

  return {
    late,
    eventsOf,
    watchable: (named) => [...rows].flatMap(([id, { finished }]) => (!finished || named.includes(id) ? [id] : [])),
    reads: () => reads,
    begin: (invocationId, begunAgoMs) => void rows.set(invocationId, { begunAgoMs, finished: false }),
    async append(invocationId, type) {
      const seq = eventsOf(invocationId).length + 1;
      const row = rows.get(invocationId);
      if (type === 'invocation.completed' && row) {
        row.finished = true;
        await gate(`${invocationId} is finished`);
      }
      const data = type === 'message.delta' ? { text: `${seq} ` } : { messageId: null, finishReason: 'stop' };
      const event = { seq, conversationId, invocationId, type, at, data } as InvocationEvent;
      logs.set(invocationId, [...eventsOf(invocationId), event]);
      void publish(event);
    },
    connected(is) {
      isConnected = is;
      onTheWay = [];
    },
    sources: {
      subscriptions: {
        open: async (_id, listener) => void listeners.add(listener),
        close: (_id, listener) => void listeners.delete(listener),
      },
      onError(error) {
        throw error;
      },
      counters: { replayed() {}, gapRepaired() {}, cameLate: (cause) => void late.push(cause) },
      redis: {
        xrange: (key: string, from: string) => {
          reads += 1;
          return passing('a read of the log', () => {
            const invocationId = key.slice(key.lastIndexOf(':') + 1);
            return eventsOf(invocationId)
              .filter(({ seq }) => seq >= Number(from.slice(2)))
              .map(({ seq, ...event }) => [`0-${seq}`, ['a', '1', 't', '0', 'e', JSON.stringify(event).slice(1)]]);
          });
        },
      } as unknown as Redis,
      loadStanding: ({ invocationId }) =>
        passing('a read of the row', () => {
          const row = rows.get(invocationId);
          return row ? { ...row, lastSeq: row.finished ? finalSeq(eventsOf(invocationId)) : 0 } : null;
        }),
      loadSnapshot: (address) =>
        passing('a read of the text', () => snapshotOf(address) as Awaited<ReturnType<FeedSources['loadSnapshot']>>),
    },
  };
}

/** The row is finished before the last event is appended, so it stores that event's seq in advance. */
function finalSeq(events: InvocationEvent[]): number {
  const last = events.at(-1);
  return last && isLastEvent(last) ? last.seq : events.length + 1;
}

export function textOf(events: InvocationEvent[]): string {
  return events.map(({ type, data }) => (type === 'message.delta' && 'text' in data ? data.text : '')).join('');
}
