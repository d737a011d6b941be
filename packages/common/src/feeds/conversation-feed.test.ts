import type { InvocationEvent } from '@nexus/protocol/event';
import { describe, expect, it } from 'vitest';
import type { FeedEvent } from '../events/event-json.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { openConversationFeed } from './conversation-feed.ts';

const address = { conversationId: 'c', invocationId: 'i' };
const at = '2026-01-01T00:00:00.000Z';
const log: InvocationEvent[] = [
  { ...address, at, seq: 1, type: 'invocation.queued', data: { position: 0 } },
  { ...address, at, seq: 2, type: 'message.delta', data: { text: 'all ' } },
  { ...address, at, seq: 3, type: 'message.delta', data: { text: 'of it' } },
  {
    ...address,
    at,
    seq: 4,
    type: 'invocation.completed',
    data: { messageId: 'm', finishReason: 'stop', usage: null, contentSha256: 'x' } as never,
  },
];
const row: Extract<InvocationEvent, { type: 'invocation.snapshot' }> = {
  ...address,
  at,
  seq: 4,
  type: 'invocation.snapshot',
  data: {
    status: 'completed',
    text: 'all of it',
    reasoning: '',
    upToSeq: 4,
    messageId: 'm',
    contentSha256: 'x',
    error: null,
  },
};

/**
 * A feed over a complete log of which no event arrived. `read` has the seqs from which the feed read the log, `snapshots` what came from
 * Postgres.
 */
async function openFeed({ begunAgoMs = 0 } = {}) {
  const read: number[] = [];
  const snapshots: number[] = [];
  let failing = false;
  const redis = {
    async xrange(_key: string, from: string) {
      if (failing) throw new Error('Redis is away');
      const after = Number(from.slice(2));
      read.push(after);
      return log
        .filter(({ seq }) => seq >= after)
        .map(({ seq, ...event }) => [`0-${seq}`, ['a', '1', 't', '0', 'e', JSON.stringify(event).slice(1)]]);
    },
  } as unknown as Redis;
  const feed = await openConversationFeed('c', {
    redis,
    loadStanding: async () => ({ finished: true, lastSeq: 4, begunAgoMs }),
    async loadSnapshot() {
      snapshots.push(row.seq);
      return row;
    },
    subscriptions: { open: async () => {}, close() {} },
    onError: (error) => {
      throw error;
    },
  });
  return {
    feed,
    read,
    snapshots,
    fail(fails: boolean) {
      failing = fails;
    },
  };
}

const anHourMs = 3_600_000;
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
const { signal: never } = new AbortController();

describe('a conversation feed', () => {
  it('brings readers of an invocation that is over to its end once, however many ask at the same time', async () => {
    const { feed } = await openFeed();
    try {
      const readers = await Promise.all(
        [1, 2, 3].map(async () => {
          const received: FeedEvent[] = [];
          let live = false;
          feed.onEvent((event) => void (live && received.push(event)));
          await feed.attach(
            'i',
            0,
            (missed) => {
              live = true;
              received.push(...missed);
            },
            never,
          );
          return received;
        }),
      );
      await turn();
      for (const received of readers) {
        expect(received.map(({ seq }) => seq)).toEqual([1, 3, 4]); // deltas joined
      }
    } finally {
      feed.close();
    }
  });

  it('tells one that was over before it to nobody but who asks, and reads no more of it than that one missed', async () => {
    const { feed, read, snapshots } = await openFeed({ begunAgoMs: anHourMs });
    const heard: FeedEvent[] = [];
    feed.onEvent((event) => void heard.push(event));
    for (const [cursor, expected] of [
      [4, []],
      [2, [3, 4]],
      [0, [1, 3, 4]],
    ] as const) {
      let missed: InvocationEvent[] | undefined;
      const goLive = (events: InvocationEvent[]) => {
        missed = events;
      };
      await feed.attach('i', cursor, goLive, never);
      expect(missed?.map(({ seq }) => seq)).toEqual(expected);
      expect(feed.hasEnded('i')).toBe(true); // the feed does not read it again
    }
    expect([read, snapshots, heard]).toEqual([[5, 3, 1], [], []]);
  });

  it('hears the end of one that was nearly over before it as the end, and tells nobody', async () => {
    const { feed } = await openFeed({ begunAgoMs: anHourMs });
    const heard: FeedEvent[] = [];
    feed.onEvent((event) => void heard.push(event));
    feed.hear(log[3] as InvocationEvent);
    await turn();
    expect([heard, feed.hasEnded('i'), feed.newcomers()]).toEqual([[], true, []]);
  });

  it('reads what began after it from the beginning, whatever it heard of it first', async () => {
    const { feed } = await openFeed({ begunAgoMs: -1 });
    const heard: number[] = [];
    feed.onEvent(({ seq }) => void heard.push(seq));
    feed.hear(log[2] as InvocationEvent);
    await turn();
    expect([heard, feed.newcomers()]).toEqual([[1, 2, 3, 4], ['i']]);
  });

  it('reads at the next check what it could not read, however short its silence', async () => {
    const { feed, fail } = await openFeed({ begunAgoMs: -1 });
    const heard: number[] = [];
    feed.onEvent(({ seq }) => void heard.push(seq));
    fail(true);
    await expect(feed.resync(['i'])).rejects.toThrow('Redis is away');
    fail(false);
    feed.checkSilence();
    await turn();
    expect(heard).toEqual([1, 2, 3, 4]);
  });
});
