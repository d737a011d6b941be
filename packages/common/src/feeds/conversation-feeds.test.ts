import { describe, expect, it } from 'vitest';
import type { LogAddress } from '../events/event-log-names.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { type ConversationFeedsSources, createConversationFeeds } from './conversation-feeds.ts';

const nothingStored = {
  redis: { status: 'ready', xrange: async () => [] } as unknown as Redis,
  loadStanding: async () => null,
  loadSnapshot: async () => null,
};

/** Subscriptions that Redis accepts when the test wants it. */
function createSubscriptions() {
  const openings: { conversationId: string; resolve(): void; reject(error: Error): void }[] = [];
  const reconnects: (() => void)[] = [];
  const counts = { opened: 0, closed: 0 };
  return {
    openings,
    counts,
    reconnect() {
      for (const listener of reconnects) listener();
    },
    subscriptions: {
      onReconnect: (listener: () => void) => void reconnects.push(listener),
      open(conversationId: string) {
        counts.opened += 1;
        return new Promise<void>((resolve, reject) => void openings.push({ conversationId, reject, resolve }));
      },
      close() {
        counts.closed += 1;
      },
    },
  };
}

function createFeeds(overrides: Partial<ConversationFeedsSources> = {}) {
  const source = createSubscriptions();
  const asked: string[][] = [];
  const feeds = createConversationFeeds({
    ...nothingStored,
    subscriptions: source.subscriptions,
    onError: (error) => {
      throw error;
    },
    loadPossiblyMissed: async (conversationIds) => {
      asked.push(conversationIds);
      return [];
    },
    ...overrides,
  });
  return { ...source, feeds, asked };
}

describe('conversation feeds', () => {
  it('shares one feed among those who ask at once, and closes it when the last of them leaves', async () => {
    const { feeds, openings, counts } = createFeeds();
    const asking = [feeds.open('c'), feeds.open('c')];
    openings[0]?.resolve();
    const [first, second] = await Promise.all(asking);
    expect(counts.opened).toBe(1);
    expect(first?.feed).toBe(second?.feed);
    first?.close();
    first?.close();
    expect(counts.closed).toBe(0);
    second?.close();
    expect(counts).toEqual({ opened: 1, closed: 1 });
    expect(feeds.size()).toBe(0);
  });

  it('gives up waiting with the signal, and closes the feed that opens after everybody left', async () => {
    const { feeds, openings, counts } = createFeeds();
    const abort = new AbortController();
    const asking = feeds.open('c', abort.signal);
    abort.abort(new Error('client gone'));
    await expect(asking).rejects.toThrow('client gone');
    expect(feeds.size()).toBe(0);
    openings[0]?.resolve();
    await expect.poll(() => counts.closed).toBe(1);
  });

  it('opens anew after an opening that failed', async () => {
    const { feeds, openings } = createFeeds();
    const failing = feeds.open('c');
    openings[0]?.reject(new Error('no redis'));
    await expect(failing).rejects.toThrow('no redis');
    const again = feeds.open('c');
    openings[1]?.resolve();
    (await again).close();
    expect(openings).toHaveLength(2);
  });

  it('asks once for what was possibly missed of all open conversations when the connection came back', async () => {
    const { feeds, openings, reconnect, asked } = createFeeds();
    const asking = [feeds.open('a'), feeds.open('b')];
    for (const opening of openings) opening.resolve();
    await Promise.all(asking);
    reconnect();
    expect(asked).toEqual([['a', 'b']]);
    feeds.close();
    expect(feeds.size()).toBe(0);
  });

  it('delivers an invocation that began and ended while the connection was gone, and none that was over before', async () => {
    let failing = true;
    const { feeds, openings, reconnect } = createFeeds({
      onError: () => {},
      loadStanding: async () => ({ finished: true, lastSeq: 4, begunAgoMs: 0 }),
      loadSnapshot: async (address) => completed(address),
      async loadPossiblyMissed() {
        if (failing) {
          failing = false;
          throw new Error('no database');
        }
        return [
          { conversationId: 'c', invocationId: 'before', begunAgoMs: 60_000 },
          { conversationId: 'c', invocationId: 'meanwhile', begunAgoMs: 0 },
        ];
      },
    });
    const asking = feeds.open('c');
    openings[0]?.resolve();
    const { feed } = await asking;
    const heard: string[] = [];
    feed.onEvent(({ invocationId }) => void heard.push(invocationId));
    reconnect();
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['meanwhile']);
    feeds.close();
  });

  it('reads nothing while Redis is away, and what is due soon after it is back', async () => {
    let asked = 0;
    const redis = { status: 'ready', xrange: async () => [] };
    const { feeds, openings, reconnect } = createFeeds({
      redis: redis as unknown as Redis,
      onError: () => {},
      async loadStanding() {
        asked += 1;
        if (redis.status !== 'ready') throw new Error('away');
        return { finished: true, lastSeq: 4, begunAgoMs: 0 };
      },
      loadSnapshot: async (address) => completed(address),
      loadPossiblyMissed: async () => [{ conversationId: 'c', invocationId: 'meanwhile', begunAgoMs: 0 }],
    });
    const asking = feeds.open('c');
    openings[0]?.resolve();
    const { feed } = await asking;
    redis.status = 'reconnecting';
    reconnect();
    await expect.poll(() => asked).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // past a silence check
    expect(asked).toBe(1);
    redis.status = 'ready';
    await expect.poll(() => feed.hasEnded('meanwhile'), { timeout: 2_500 }).toBe(true);
    feeds.close();
  });
});

function completed(address: LogAddress) {
  const data = {
    status: 'completed' as const,
    text: 'all of it',
    reasoning: '',
    upToSeq: 4,
    messageId: 'm',
    contentSha256: 'x',
    error: null,
  };
  return { ...address, seq: 4, type: 'invocation.snapshot' as const, at: '2026-01-01T00:00:00.000Z', data };
}
