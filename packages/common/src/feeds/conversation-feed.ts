import type { InvocationEvent } from '@nexus/protocol/event';
import type { FeedEvent } from '../events/event-json.ts';
import type { EventListener, EventSubscriptions } from './event-subscriptions.ts';
import type { FeedPosition } from './feed-position.ts';
import { type FeedCounters, FollowedInvocation, type Follower } from './followed-invocation.ts';
import { type Missed, type MissedSources, readMissed } from './read-missed.ts';

/** If no event of a watched, unfinished invocation comes for this long, the feed reads its log and row again. */
const longestSilenceMs = 3_000;

export type FeedSources = MissedSources & {
  subscriptions: Pick<EventSubscriptions, 'open' | 'close'>;
  onError: (error: unknown) => void;
  counters?: FeedCounters;
};

/** Opens a conversation's feed. Rejects if Redis does not accept the subscription. */
export async function openConversationFeed(conversationId: string, sources: FeedSources): Promise<ConversationFeed> {
  const feed = new ConversationFeed(conversationId, sources);
  await feed.open();
  return feed;
}

/**
 * The events of one conversation as this process receives them. A class, because there are many. It listens before it reads, and while it reads.
 * Otherwise an event that is published between the two would be in neither.
 */
export class ConversationFeed implements EventListener, Follower {
  readonly #conversationId: string;
  readonly #sources: FeedSources;
  /** In the order in which the feed first saw them. None is ever removed. undefined before the first, to save memory. */
  #invocations: Map<string, FollowedInvocation> | undefined;
  /** Replaced, never changed: a delivery loops over the listeners of its own moment. */
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

  /** Whether an invocation that began so long ago surely began before this feed was opened. */
  isOlder(begunAgoMs: number): boolean {
    return begunAgoMs >= performance.now() - this.#openedAt;
  }

  /**
   * The listener gets the live events of each invocation that it has attached to or that began after the feed: in order, without a gap, none
   * twice. Of other invocations it gets the events that other listeners cause by attaching.
   */
  addListener(listener: EventListener): void {
    this.#listeners = [...this.#listeners, listener];
  }

  removeListener(listener: EventListener): void {
    this.#listeners = this.#listeners.filter((each) => each !== listener);
  }

  /** The same for a function. Returns a function that stops it. */
  onEvent(hear: EventListener['hear']): () => void {
    const listener = { hear };
    this.addListener(listener);
    return () => this.removeListener(listener);
  }

  /**
   * Reads what a reader at `cursor` missed, and calls `goLive` with it in the same tick in which the feed is at that seq. So a listener that is added
   * inside `goLive` continues exactly there. Rejects with the signal's reason.
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

  /** The same for every invocation in which the feed has a position. */
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
   * The invocations that began after the feed was opened, without the first `since` invocations that it knew. A listener since then must get all of
   * them.
   */
  newcomers(since = 0): string[] {
    return this.#idsOf(({ begun }, index) => begun === 'after' && index >= since);
  }

  /** The invocations of which the feed expects more events. */
  unfinished(): string[] {
    return this.#idsOf(({ begun, heard, ended }) => (begun !== null || heard > 0) && !ended);
  }

  /** Whether the last event of the invocation has been delivered. */
  hasEnded(invocationId: string): boolean {
    return this.#invocations?.get(invocationId)?.ended ?? false;
  }

  /** Reads the logs of these invocations, and of all that the feed knows, in case events were published and not received. */
  async resync(invocationIds: string[]): Promise<void> {
    for (const invocationId of invocationIds) this.#follow(invocationId);
    await Promise.all([...(this.#invocations?.values() ?? [])].map((invocation) => invocation.repair()));
  }

  /** Reads invocations again of which no event has come for long. The owner of the feed calls this about every second. */
  checkSilence(): void {
    for (const invocation of this.#invocations?.values() ?? []) {
      if (invocation.ended || performance.now() - invocation.lastHeardAt < longestSilenceMs) continue;
      invocation.lastHeardAt = performance.now();
      invocation.repair().then(
        (found) => found && this.counters?.cameLate('silence'),
        (error: unknown) => {
          invocation.lastHeardAt = performance.now(); // the next check comes after another silence
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

  /** Called by the subscription for each event. */
  hear(event: FeedEvent): void {
    const invocation = this.#follow(event.invocationId);
    if (invocation.hear(event)) invocation.repair().catch(this.#sources.onError);
  }

  get counters(): FeedCounters | undefined {
    return this.#sources.counters;
  }

  readMissed(invocationId: string, cursor: number): Promise<Missed> {
    return readMissed(this.#sources, { conversationId: this.#conversationId, invocationId }, cursor);
  }

  deliver(event: FeedEvent): void {
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
