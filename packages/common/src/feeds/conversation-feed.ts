import type { InvocationEvent } from '@nexus/protocol/event';
import { endsInvocation, type FeedEvent } from '../events/event-json.ts';
import type { LogAddress } from '../events/event-log-names.ts';
import { joinDeltas } from '../events/read-log.ts';
import type { EventListener, EventSubscriptions } from './event-subscriptions.ts';
import { type MissedSources, readMissed } from './read-missed.ts';

/** How long a watched, unfinished invocation may say nothing before its log and row are read again. */
const longestSilenceMs = 3_000;
/** How soon a log that is to be restored by its writer is asked for again. */
const retryMs = 250;

export type FeedCounters = { replayed(events: number): void; gapRepaired(): void };

/**
 * Where the feed stands in an invocation. One that began before the feed is owed to nobody but those who attach to it: its position is
 * set to where the first of them stands, and nothing before that is delivered. `begun` is null until that is known.
 */
type Position = {
  begun: 'before' | 'after' | null;
  lastSeq: number;
  heard: number;
  ended: boolean;
  repairing: boolean;
  lastHeardAt: number;
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
 * One conversation as this process hears it; a class, as there are many. Listens before it reads: what is published in between is in
 * neither otherwise.
 */
export class ConversationFeed implements EventListener {
  readonly #conversationId: string;
  readonly #sources: FeedSources;
  /** Made for the first invocation that is heard of. */
  #positions: Map<string, Position> | undefined;
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
      const read = await readMissed(this.#sources, this.#addressOf(invocationId), reached);
      const { events, begunAgoMs } = read;
      signal.throwIfAborted();
      missed.push(...(events ?? []));
      reached = missed.at(-1)?.seq ?? reached;
      over ||= read.over;
      if (events) this.#place(position, begunAgoMs, reached, over);
      if (reached > position.lastSeq || (over && !position.ended))
        await this.#bringTo(invocationId, position, reached, over);
      signal.throwIfAborted();
      // Not before the feed has ended too: what it still has to deliver would reach this reader a second time.
      if (over ? position.ended : reached === position.lastSeq) {
        this.#sources.counters?.replayed(missed.length);
        return goLive(joinDeltas(missed));
      }
      if (!events?.length) await pause(retryMs, signal);
    }
  }

  /** The seq up to which the feed has delivered. */
  lastSeq(invocationId: string): number {
    return this.#positions?.get(invocationId)?.lastSeq ?? 0;
  }

  /** The same for every invocation that the feed knows. */
  positions(): Record<string, number> {
    return Object.fromEntries(
      [...(this.#positions ?? [])].map(([invocationId, { lastSeq }]) => [invocationId, lastSeq]),
    );
  }

  /** The invocations that began after the feed was opened: everybody who listens is owed all of them. */
  newcomers(): string[] {
    return [...(this.#positions ?? [])]
      .filter(([, { begun }]) => begun === 'after')
      .map(([invocationId]) => invocationId);
  }

  /** Whether the last event of the invocation has been delivered. */
  hasEnded(invocationId: string): boolean {
    return this.#positions?.get(invocationId)?.ended ?? false;
  }

  /**
   * Reads again what may have been published unheard, of these invocations and of all that the feed knows. What cannot be read yet is read
   * at the next silence check.
   */
  async resync(invocationIds: string[]): Promise<void> {
    for (const invocationId of invocationIds) this.#positionOf(invocationId);
    const repaired = [...(this.#positions ?? [])].map(async ([invocationId, position]) => {
      try {
        await this.#repair(invocationId, position);
      } catch (error) {
        position.lastHeardAt = Number.NEGATIVE_INFINITY;
        throw error;
      }
    });
    await Promise.all(repaired);
  }

  /** Reads again what has said nothing for long. Whoever keeps the feed calls it every second or so. */
  checkSilence(): void {
    for (const [invocationId, position] of this.#positions ?? []) {
      if (position.ended || performance.now() - position.lastHeardAt < longestSilenceMs) continue;
      position.lastHeardAt = performance.now();
      this.#repair(invocationId, position).catch(this.#sources.onError);
    }
  }

  close(): void {
    this.#closed = true;
    this.#sources.subscriptions.close(this.#conversationId, this);
    this.#listeners = [];
  }

  #addressOf(invocationId: string): LogAddress {
    return { conversationId: this.#conversationId, invocationId };
  }

  #positionOf(invocationId: string): Position {
    this.#positions ??= new Map();
    let position = this.#positions.get(invocationId);
    if (!position) {
      const lastHeardAt = performance.now();
      position = { begun: null, lastSeq: 0, heard: 0, ended: false, repairing: false, lastHeardAt };
      this.#positions.set(invocationId, position);
    }
    return position;
  }

  /** What the subscription delivers. */
  hear(event: FeedEvent): void {
    const position = this.#positionOf(event.invocationId);
    position.lastHeardAt = performance.now();
    position.heard = Math.max(position.heard, event.seq);
    if (!position.repairing) this.#deliver(position, event);
    if (position.heard > position.lastSeq) this.#repair(event.invocationId, position).catch(this.#sources.onError);
  }

  /** Delivers what continues the position; a snapshot may skip ahead, everything else has to be the next seq. */
  #deliver(position: Position, event: FeedEvent): void {
    const continues = event.seq === position.lastSeq + 1 || event.type === 'invocation.snapshot';
    const isNews = event.seq > position.lastSeq || (endsInvocation(event) && !position.ended);
    if (!continues || !isNews) return;
    position.begun ??= 'after';
    position.lastSeq = Math.max(position.lastSeq, event.seq);
    position.ended ||= endsInvocation(event);
    for (const listener of this.#listeners) listener.hear(event);
  }

  /** Settles where the feed begins with an invocation that it knew nothing of: at `seq`, or before its first event. */
  #place(position: Position, begunAgoMs: number | null, seq: number, over: boolean): void {
    if (position.begun !== null) return;
    position.begun = begunAgoMs !== null && this.isOlder(begunAgoMs) ? 'before' : 'after';
    if (position.begun === 'after') return;
    position.lastSeq = seq;
    position.ended = over;
  }

  async #repair(invocationId: string, position: Position): Promise<void> {
    if (position.repairing || position.ended) return;
    position.repairing = true;
    try {
      if (position.begun === null) await this.#placeWhereHeard(invocationId, position);
      do {
        const before = position.lastSeq;
        const { events, over } = await readMissed(this.#sources, this.#addressOf(invocationId), before);
        for (const event of events ?? []) this.#deliver(position, event);
        position.ended ||= over && events?.length === 0;
        if (position.lastSeq === before) return; // the silence check asks again
        this.#sources.counters?.gapRepaired();
      } while (position.heard > position.lastSeq && !this.#closed);
    } finally {
      position.repairing = false;
    }
  }

  async #placeWhereHeard(invocationId: string, position: Position): Promise<void> {
    const from = Math.max(0, position.heard - 1); // what was heard last is read again: it may have been the end
    const { events, over, begunAgoMs } = await readMissed(this.#sources, this.#addressOf(invocationId), from);
    if (events) this.#place(position, begunAgoMs, events.at(-1)?.seq ?? from, over);
  }

  /** A reader found the log ahead of what was heard: those who are live already get it now, so that all stand at one seq. */
  async #bringTo(invocationId: string, position: Position, seq: number, over: boolean): Promise<void> {
    if (this.#listeners.length > 0) {
      position.heard = Math.max(position.heard, seq);
      return this.#repair(invocationId, position);
    }
    position.lastSeq = seq;
    position.ended ||= over;
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
