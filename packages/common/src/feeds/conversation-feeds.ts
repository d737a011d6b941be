import { type ConversationFeed, type FeedSources, openConversationFeed } from './conversation-feed.ts';
import type { EventSubscriptions } from './event-subscriptions.ts';
import type { PossiblyMissed } from './load-possibly-missed.ts';

/** A hold on a conversation's feed. Whoever opened it closes it; closing twice does no harm. */
export type HeldFeed = { readonly feed: ConversationFeed; close(this: HeldFeed): void };

export type ConversationFeeds = {
  /**
   * The conversation's feed, shared by all who hold it. While Redis is away this waits until it is back: the signal gives up
   * waiting, with its own reason.
   */
  open(conversationId: string, signal?: AbortSignal): Promise<HeldFeed>;
  /** Conversations watched at present. */
  size(): number;
  /** Closes every feed, whoever holds it. */
  close(): void;
};

export type ConversationFeedsSources = FeedSources & {
  subscriptions: Pick<EventSubscriptions, 'open' | 'close' | 'onReconnect'>;
  loadPossiblyMissed: (conversationIds: string[]) => Promise<PossiblyMissed[]>;
};

/** Either `opening` or `feed`: there are many, and most are open. */
type Entry = {
  opening: Promise<ConversationFeed> | null;
  feed: ConversationFeed | null;
  holders: number;
};

type Leave = (conversationId: string, entry: Entry) => void;

const retryMs = 1_000;
const silenceCheckMs = 1_000;

/** One feed per watched conversation and process, opened for the first who asks and closed when the last one leaves. */
export function createConversationFeeds(sources: ConversationFeedsSources): ConversationFeeds {
  const entries = new Map<string, Entry>();

  const silenceCheck = setInterval(() => {
    if (sources.redis.status !== 'ready') return; // there is nothing to be read: what has to be is due once there is
    for (const { feed } of entries.values()) feed?.checkSilence();
  }, silenceCheckMs);
  silenceCheck.unref();
  sources.subscriptions.onReconnect(() => void resyncAll());

  /** What was published while the connection was gone was heard by nobody. */
  async function resyncAll(): Promise<void> {
    while (entries.size > 0) {
      try {
        const rows = await sources.loadPossiblyMissed([...entries.keys()]);
        const byConversation = Map.groupBy(rows, (row) => row.conversationId);
        for (const [conversationId, entry] of entries) resync(entry, byConversation.get(conversationId) ?? []);
        return;
      } catch (error) {
        sources.onError(error);
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
      }
    }
  }

  /** An invocation that began and ended in between is among what was missed; one that was over before the feed began is not. */
  function resync({ feed }: Entry, rows: PossiblyMissed[]): void {
    if (!feed) return;
    const missed = rows.filter(({ begunAgoMs }) => begunAgoMs === null || !feed.isOlder(begunAgoMs));
    feed.resync(missed.map(({ invocationId }) => invocationId)).catch(sources.onError);
  }

  function enter(conversationId: string): Entry {
    let entry = entries.get(conversationId);
    if (!entry) {
      const opening = openConversationFeed(conversationId, sources);
      const opened: Entry = { opening, feed: null, holders: 0 };
      entry = opened;
      entries.set(conversationId, opened);
      opening.then(
        (feed) => {
          opened.opening = null;
          opened.feed = feed;
          if (entries.get(conversationId) !== opened) feed.close(); // everybody left while it was being opened
        },
        () => forget(conversationId, opened),
      );
    }
    entry.holders += 1;
    return entry;
  }

  function forget(conversationId: string, entry: Entry): void {
    if (entries.get(conversationId) === entry) entries.delete(conversationId);
  }

  function leave(conversationId: string, entry: Entry): void {
    entry.holders -= 1;
    if (entry.holders > 0) return;
    forget(conversationId, entry);
    entry.feed?.close();
  }

  return {
    async open(conversationId, signal) {
      signal?.throwIfAborted();
      const entry = enter(conversationId);
      try {
        const feed = entry.feed ?? (await untilAborted(entry.opening as Promise<ConversationFeed>, signal));
        return new Hold(feed, conversationId, entry, leave);
      } catch (error) {
        leave(conversationId, entry);
        throw error;
      }
    },
    size: () => entries.size,
    close() {
      clearInterval(silenceCheck);
      for (const [conversationId, entry] of entries) {
        forget(conversationId, entry);
        entry.feed?.close();
      }
    },
  };
}

/** A class, as there are many. */
class Hold implements HeldFeed {
  readonly feed: ConversationFeed;
  readonly #conversationId: string;
  #entry: Entry | null;
  readonly #leave: Leave;

  constructor(feed: ConversationFeed, conversationId: string, entry: Entry, leave: Leave) {
    this.feed = feed;
    this.#conversationId = conversationId;
    this.#entry = entry;
    this.#leave = leave;
  }

  close(): void {
    const entry = this.#entry;
    this.#entry = null;
    if (entry) this.#leave(this.#conversationId, entry);
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
