import type { InvocationEvent } from '@nexus/protocol/event';
import type { EventListener, EventSubscriptions } from './event-subscriptions.ts';
import type { FeedPosition } from './feed-position.ts';
import { type FeedCounters, FollowedInvocation, type Follower } from './followed-invocation.ts';
import { type Missed, type MissedSources, readMissed } from './read-missed.ts';

/** How long a watched, unfinished invocation may say nothing before its log and row are read again. */
const longestSilenceMs = 3_000;

export type FeedSources = MissedSources & {
  subscriptions: Pick<EventSubscriptions, 'open' | 'close'>;
  onError: (error: unknown) => void;
  counters?: FeedCounters;
};

/** Opens a conversation's feed; rejects when Redis does not take the subscription. */
export async function openConversationFeed(conversationId: string, sources: FeedSources): Promise<ConversationFeed> {
  const feed = new ConversationFeed(conversationId, sources);
  await feed.open();
  return feed;
}

/**
 * One conversation as this process hears it; a class, as there are many. Listens before it reads, and while it reads: what is published in
 * between is in neither otherwise.
 */
export class ConversationFeed implements EventListener, Follower {
  readonly #conversationId: string;
  readonly #sources: FeedSources;
  /** In the order in which the feed came to know them; none is ever removed. Made for the first. */
  #invocations: Map<string, FollowedInvocation> | undefined;
  /** Replaced, never changed: whoever is being told goes through those of that moment. */
  #listeners: readonly EventListener[] = [];
  #openedAt = 0;
  closed = false;

  constructor(conversationId: string, sources: FeedSources) {
    this.#conversationId = conversationId;
    this.#sources = sources;
  }

  async open(): Promise<void> {
    await this.#sources.subscriptions.open(this.#conversationId, this);
    this.#openedAt = performance.now();
  }

  /** Whether what began so long ago began before this feed was opened. Only what surely did counts. */
  isOlder(begunAgoMs: number): boolean {
    return begunAgoMs >= performance.now() - this.#openedAt;
  }

  /**
   * The listener gets the live events of every invocation of the conversation that it has attached to or that began after the feed: in
   * order, without a gap, none twice. Of others it hears what those who attached to them do.
   */
  addListener(listener: EventListener): void {
    this.#listeners = [...this.#listeners, listener];
  }

  removeListener(listener: EventListener): void {
    this.#listeners = this.#listeners.filter((each) => each !== listener);
  }

  /** The same for a function. Returns how to stop. */
  onEvent(hear: EventListener['hear']): () => void {
    const listener = { hear };
    this.addListener(listener);
    return () => this.removeListener(listener);
  }

  /**
   * Reads what a reader at `cursor` missed and calls `goLive` with it in the very tick in which the feed stands at the same seq:
   * a listener added inside `goLive` continues exactly there. Rejects with the signal's reason.
   */
  attach(
    invocationId: string,
    cursor: number,
    goLive: (missed: InvocationEvent[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#follow(invocationId).attach(cursor, goLive, signal);
  }

  /** The seq up to which the feed has delivered. */
  lastSeq(invocationId: string): number {
    return this.#invocations?.get(invocationId)?.lastSeq ?? 0;
  }

  /** The same for every invocation of which it is known where the feed began with it. */
  positions(): Record<string, number> {
    return Object.fromEntries(
      [...(this.#invocations ?? [])]
        .filter(([, { begun }]) => begun !== null)
        .map(([invocationId, { lastSeq }]) => [invocationId, lastSeq]),
    );
  }

  /** How many invocations the feed knows. */
  known(): number {
    return this.#invocations?.size ?? 0;
  }

  /**
   * The invocations that began after the feed was opened, without the first `since` that it knew: whoever has listened since then is owed
   * all of them.
   */
  newcomers(since = 0): string[] {
    return this.#idsOf(({ begun }, index) => begun === 'after' && index >= since);
  }

  /** The invocations that the feed is going to deliver more of, as far as it knows. */
  unfinished(): string[] {
    return this.#idsOf(({ begun, heard, ended }) => (begun !== null || heard > 0) && !ended);
  }

  /** Whether the last event of the invocation has been delivered. */
  hasEnded(invocationId: string): boolean {
    return this.#invocations?.get(invocationId)?.ended ?? false;
  }

  /** Reads again what may have been published unheard, of these invocations and of all that the feed knows. */
  async resync(invocationIds: string[]): Promise<void> {
    for (const invocationId of invocationIds) this.#follow(invocationId);
    await Promise.all([...(this.#invocations?.values() ?? [])].map((invocation) => invocation.repair()));
  }

  /** Reads again what has said nothing for long. Whoever keeps the feed calls it every second or so. */
  checkSilence(): void {
    for (const invocation of this.#invocations?.values() ?? []) {
      if (invocation.ended || performance.now() - invocation.lastHeardAt < longestSilenceMs) continue;
      invocation.lastHeardAt = performance.now();
      invocation.repair().then(
        (found) => found && this.counters?.cameLate('silence'),
        (error: unknown) => {
          invocation.lastHeardAt = performance.now(); // after another silence
          this.#sources.onError(error);
        },
      );
    }
  }

  close(): void {
    this.closed = true;
    this.#sources.subscriptions.close(this.#conversationId, this);
    this.#listeners = [];
  }

  /** What the subscription delivers. */
  hear(event: InvocationEvent): void {
    const invocation = this.#follow(event.invocationId);
    if (invocation.hear(event)) invocation.repair().catch(this.#sources.onError);
  }

  get counters(): FeedCounters | undefined {
    return this.#sources.counters;
  }

  readMissed(invocationId: string, cursor: number): Promise<Missed> {
    return readMissed(this.#sources, { conversationId: this.#conversationId, invocationId }, cursor);
  }

  deliver(event: InvocationEvent): void {
    for (const listener of this.#listeners) listener.hear(event);
  }

  #follow(invocationId: string): FollowedInvocation {
    this.#invocations ??= new Map();
    let invocation = this.#invocations.get(invocationId);
    if (!invocation) {
      invocation = new FollowedInvocation(invocationId, this);
      this.#invocations.set(invocationId, invocation);
    }
    return invocation;
  }

  #idsOf(has: (position: FeedPosition, index: number) => boolean): string[] {
    return [...(this.#invocations ?? [])].filter(([, position], index) => has(position, index)).map(([id]) => id);
  }
}
