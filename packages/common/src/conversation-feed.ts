import type { InvocationEvent } from './event.ts';
import type { EventListener, EventSubscriptions } from './event-subscriptions.ts';
import { FeedPosition } from './feed-position.ts';
import { joinDeltas } from './read-log.ts';
import { type Missed, type MissedSources, readMissed } from './read-missed.ts';

/** How long a watched, unfinished invocation may say nothing before its log and row are read again. */
const longestSilenceMs = 3_000;
/** How soon a log that is to be restored by its writer is asked for again. */
const retryMs = 250;

export type FeedCounters = {
  replayed(events: number): void;
  gapRepaired(): void;
  /** A reader got something later than it was there: nobody heard of it until the silence check, or its log was lost and had to be restored. */
  cameLate(cause: 'silence' | 'lost_log'): void;
};

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
export class ConversationFeed implements EventListener {
  readonly #conversationId: string;
  readonly #sources: FeedSources;
  /** Made for the first invocation that is heard of. In the order in which they were heard of; none is ever removed. */
  #positions: Map<string, FeedPosition> | undefined;
  /** Replaced, never changed: whoever is being told goes through those of that moment. */
  #listeners: readonly EventListener[] = [];
  #openedAt = 0;
  #closed = false;

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
  async attach(
    invocationId: string,
    cursor: number,
    goLive: (missed: InvocationEvent[]) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const position = this.#positionOf(invocationId);
    const missed: InvocationEvent[] = [];
    for (let reached = cursor, over = false; ; ) {
      const [from, stood] = [reached, position.lastSeq];
      const { events, over: isOver, begunAgoMs } = await this.#read(invocationId, position, from);
      signal.throwIfAborted();
      missed.push(...(events ?? []));
      reached = missed.at(-1)?.seq ?? from;
      over ||= isOver;
      if (events) {
        this.#place(position, begunAgoMs, reached, over);
        // Those who are live get what this reader found before it was heard. A reader that is ahead of them may have found a snapshot instead.
        if (from <= position.lastSeq) this.#deliverAll(position, events);
        if (reached > position.lastSeq || (over && !position.ended)) await this.#repair(invocationId, position);
        signal.throwIfAborted();
      }
      // Not before the feed has ended too: what it still has to deliver would reach this reader a second time.
      if (over ? position.ended : reached === position.lastSeq) {
        this.#sources.counters?.replayed(missed.length);
        return goLive(joinDeltas(missed));
      }
      if (events?.length || position.lastSeq !== stood) continue;
      // The log does not have what the feed has delivered: its writer restores it.
      this.#sources.counters?.cameLate('lost_log');
      await pause(retryMs, signal);
    }
  }

  /** The seq up to which the feed has delivered. */
  lastSeq(invocationId: string): number {
    return this.#positions?.get(invocationId)?.lastSeq ?? 0;
  }

  /** The same for every invocation of which it is known where the feed began with it. */
  positions(): Record<string, number> {
    return Object.fromEntries(
      [...(this.#positions ?? [])]
        .filter(([, { begun }]) => begun !== null)
        .map(([invocationId, { lastSeq }]) => [invocationId, lastSeq]),
    );
  }

  /** How many invocations the feed knows. */
  known(): number {
    return this.#positions?.size ?? 0;
  }

  /** The invocations that began after the feed was opened, without the first `since` that it knew: whoever listens since then is owed all of them. */
  newcomers(since = 0): string[] {
    return this.#idsOf(({ begun }, index) => begun === 'after' && index >= since);
  }

  /** The invocations that the feed is going to deliver more of, as far as it knows. */
  unfinished(): string[] {
    return this.#idsOf(({ begun, heard, ended }) => (begun !== null || heard > 0) && !ended);
  }

  /** Whether the last event of the invocation has been delivered. */
  hasEnded(invocationId: string): boolean {
    return this.#positions?.get(invocationId)?.ended ?? false;
  }

  /** Reads again what may have been published unheard, of these invocations and of all that the feed knows. */
  async resync(invocationIds: string[]): Promise<void> {
    for (const invocationId of invocationIds) this.#positionOf(invocationId);
    await Promise.all([...(this.#positions ?? [])].map(([id, position]) => this.#repair(id, position)));
  }

  /** Reads again what has said nothing for long. Whoever keeps the feed calls it every second or so. */
  checkSilence(): void {
    for (const [invocationId, position] of this.#positions ?? []) {
      if (position.ended || performance.now() - position.lastHeardAt < longestSilenceMs) continue;
      position.lastHeardAt = performance.now();
      this.#repair(invocationId, position).then(
        (found) => found && this.#sources.counters?.cameLate('silence'),
        (error: unknown) => {
          position.lastHeardAt = performance.now(); // after another silence
          this.#sources.onError(error);
        },
      );
    }
  }

  close(): void {
    this.#closed = true;
    this.#sources.subscriptions.close(this.#conversationId, this);
    this.#listeners = [];
  }

  /** What the subscription delivers. */
  hear(event: InvocationEvent): void {
    const position = this.#positionOf(event.invocationId);
    position.hear(event);
    this.#deliver(position, event);
    // A repair that is under way looks by itself whether more was heard meanwhile.
    if (position.heard > position.lastSeq && !position.repair)
      this.#repair(event.invocationId, position).catch(this.#sources.onError);
  }

  #idsOf(has: (position: FeedPosition, index: number) => boolean): string[] {
    return [...(this.#positions ?? [])].filter(([, position], index) => has(position, index)).map(([id]) => id);
  }

  #positionOf(invocationId: string): FeedPosition {
    this.#positions ??= new Map();
    let position = this.#positions.get(invocationId);
    if (!position) {
      position = new FeedPosition();
      this.#positions.set(invocationId, position);
    }
    return position;
  }

  #read(invocationId: string, position: FeedPosition, cursor: number): Promise<Missed> {
    const address = { conversationId: this.#conversationId, invocationId };
    return position.read(cursor, (from) => readMissed(this.#sources, address, from));
  }

  #place(position: FeedPosition, begunAgoMs: number | null, seq: number, over: boolean): void {
    position.place(begunAgoMs !== null && this.isOlder(begunAgoMs) ? 'before' : 'after', seq, over);
  }

  #deliver(position: FeedPosition, event: InvocationEvent): boolean {
    if (!position.accept(event)) return false;
    for (const listener of this.#listeners) listener.hear(event);
    return true;
  }

  /** Whether any of them was news. */
  #deliverAll(position: FeedPosition, events: InvocationEvent[]): boolean {
    let any = false;
    for (const event of events) any = this.#deliver(position, event) || any;
    return any;
  }

  /**
   * Delivers what the log has beyond the position, by a read that begins after this call. Resolves with whether there was anything; all who
   * ask meanwhile share one repair. What cannot be read is due at the next silence check.
   */
  async #repair(invocationId: string, position: FeedPosition): Promise<boolean> {
    if (position.ended || this.#closed) return false;
    position.readAgain = true;
    position.repair ??= this.#readOn(invocationId, position);
    return position.repair;
  }

  async #readOn(invocationId: string, position: FeedPosition): Promise<boolean> {
    let any = false;
    try {
      if (position.begun === null) await this.#placeWhereHeard(invocationId, position);
      while (position.readAgain && !position.ended && !this.#closed) {
        position.readAgain = false;
        const { lastSeq, heard } = position;
        const { events, over } = await this.#read(invocationId, position, lastSeq);
        if (this.#deliverAll(position, events ?? [])) {
          any = true;
          this.#sources.counters?.gapRepaired();
        }
        position.ended ||= over && events?.length === 0;
        const moved = position.lastSeq > lastSeq || position.heard > heard;
        position.readAgain ||= moved && position.heard > position.lastSeq;
      }
      return any;
    } catch (error) {
      position.lastHeardAt = Number.NEGATIVE_INFINITY;
      throw error;
    } finally {
      position.repair = null;
    }
  }

  async #placeWhereHeard(invocationId: string, position: FeedPosition): Promise<void> {
    const from = Math.max(0, position.heard - 1); // what was heard last is read again: it may have been the end
    const { events, over, begunAgoMs } = await this.#read(invocationId, position, from);
    if (events) this.#place(position, begunAgoMs, events.at(-1)?.seq ?? from, over);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(settle, ms);
    signal.addEventListener('abort', settle);
    function settle() {
      clearTimeout(timer);
      signal.removeEventListener('abort', settle);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    }
  });
}
