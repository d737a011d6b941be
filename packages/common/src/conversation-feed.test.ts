import { describe, expect, it } from 'vitest';
import { openConversationFeed } from './conversation-feed.ts';
import type { InvocationEvent } from './event.ts';

import type { Redis } from './open-redis.ts';

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

/** A feed over a log that is complete, and of which nothing was heard. */
async function openFeed() {
  const redis = {
    xrange: async (_key: string, from: string) =>
      log
        .filter(({ seq }) => seq >= Number(from.slice(2)))
        .map(({ seq, ...event }) => [`0-${seq}`, ['a', '1', 't', '0', 'e', JSON.stringify(event).slice(1)]]),
  } as unknown as Redis;
  return openConversationFeed('c', {
    redis,
    loadSnapshot: async () => row,
    subscriptions: { open: async () => {}, close() {} },
    onError: (error) => {
      throw error;
    },
  });
}

describe('a conversation feed', () => {
  it('brings readers of an invocation that is over to its end once, however many ask at the same time', async () => {
    const feed = await openFeed();
    try {
      const readers = await Promise.all(
        [1, 2, 3].map(async () => {
          const received: InvocationEvent[] = [];
          let live = false;
          feed.onEvent((event) => void (live && received.push(event)));
          await feed.attach(
            'i',
            0,
            (missed) => {
              live = true;
              received.push(...missed);
            },
            new AbortController().signal,
          );
          return received;
        }),
      );
      await new Promise((resolve) => setImmediate(resolve));
      for (const received of readers) {
        expect(received.map(({ seq }) => seq)).toEqual([1, 3, 4]); // deltas joined
      }
    } finally {
      feed.close();
    }
  });
});
