import { type ConversationFeed, type FeedSources, openConversationFeed } from './conversation-feed.ts';
import type { EventSubscriptions } from './event-subscriptions.ts';
import type { PossiblyMissed } from './load-possibly-missed.ts';

/** One user's share of a conversation's feed. The user closes it. Closing twice has no effect. */
export type HeldFeed = { readonly feed: ConversationFeed; close(this: HeldFeed): void };

export type ConversationFeeds = {
  /**
   * Opens the conversation's feed, which all its users share. While Redis is away this waits until it is back. The signal ends the wait, with its
   * own reason.
   */
  open(conversationId: string, signal?: AbortSignal): Promise<HeldFeed>;
  /** The number of conversations that are watched now. */
  size(): number;
  /** Closes every feed, also those that are in use. */
  close(): void;
};

export type ConversationFeedsSources = FeedSources & {
  subscriptions: Pick<EventSubscriptions, 'open' | 'close' | 'onReconnect'>;
  loadPossiblyMissed: (conversationIds: string[]) => Promise<PossiblyMissed[]>;
};

/** Has either `opening` or `feed`. There are many entries, and most are open. */
type Entry = {
  opening: Promise<ConversationFeed> | null;
  feed: ConversationFeed | null;
  holders: number;
};

type Leave = (conversationId: string, entry: Entry) => void;

const retryMs = 1_000;
const silenceCheckMs = 1_000;

/** One feed per watched conversation and process. It opens for its first user and closes after its last. */
export function createConversationFeeds(sources: ConversationFeedsSources): ConversationFeeds {
  const entries = new Map<string, Entry>();

  const silenceCheck = setInterval(() => {
    if (sources.redis.status !== 'ready') return; // nothing can be read now; the checks that are due run when Redis is back
    for (const { feed } of entries.values()) feed?.checkSilence();
  }, silenceCheckMs);
  silenceCheck.unref();
  sources.subscriptions.onReconnect(() => void resyncAll());

  /** No subscriber received what was published while the connection was broken. */
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

  /** Includes an invocation that began and ended during the break, but not one that had ended before the feed began. */
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
          if (entries.get(conversationId) !== opened) feed.close(); // its last user left while it was being opened
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

/** A class, because there are many. */
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
