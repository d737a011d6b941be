import type { InvocationEvent } from '@nexus/protocol/event';
import type { FeedEvent } from '../events/event-json.ts';
import { joinDeltas } from '../events/read-log.ts';
import { FeedPosition } from './feed-position.ts';
import type { Missed } from './read-missed.ts';

/** How long to wait before reading a lost log again, which its writer restores. */
const retryMs = 250;

export type FeedCounters = {
  replayed(events: number): void;
  gapRepaired(): void;
  /** A reader got an event late: only the silence check found it, or the log was lost and its writer had to restore it. */
  cameLate(cause: 'silence' | 'lost_log'): void;
};

/** What an invocation needs from its feed. */
export type Follower = {
  readonly closed: boolean;
  readonly counters: FeedCounters | undefined;
  isOlder(begunAgoMs: number): boolean;
  readMissed(invocationId: string, cursor: number): Promise<Missed>;
  /** Sends the event to all listeners. */
  deliver(event: FeedEvent): void;
};

/** One invocation in a feed: receives its events, and reads those that are missing. A class, because there are many. */
export class FollowedInvocation extends FeedPosition {
  readonly #id: string;
  readonly #feed: Follower;
  /** The repair that is under way. It reads once more if `#readAgain` is set meanwhile. */
  #repair: Promise<boolean> | null = null;
  #readAgain = false;

  constructor(id: string, feed: Follower) {
    super();
    this.#id = id;
    this.#feed = feed;
  }

  /** Returns whether the event leaves a gap that no repair is filling. A repair under way checks by itself whether more events arrived. */
  hear(event: FeedEvent): boolean {
    this.note(event);
    this.#deliver(event);
    return this.heard > this.lastSeq && !this.#repair;
  }

  /** See ConversationFeed.attach. */
  async attach(cursor: number, goLive: (missed: InvocationEvent[]) => void, signal: AbortSignal): Promise<void> {
    const missed: InvocationEvent[] = [];
    for (let reached = cursor, over = false; ; ) {
      const [from, stood] = [reached, this.lastSeq];
      const { events, over: isOver, begunAgoMs } = await this.#read(from);
      signal.throwIfAborted();
      missed.push(...(events ?? []));
      reached = missed.at(-1)?.seq ?? from;
      over ||= isOver;
      if (events) {
        this.#placeAt(begunAgoMs, reached, over);
        // This reader may have found events that have not arrived yet: the live listeners get them too. A reader that is ahead of the feed may have
        // found a snapshot instead.
        if (from <= this.lastSeq) this.#deliverAll(events);
        if (reached > this.lastSeq || (over && !this.ended)) await this.repair();
        signal.throwIfAborted();
      }
      // Wait until the feed has ended too: its remaining events would reach this reader a second time.
      if (over ? this.ended : reached === this.lastSeq) {
        this.#feed.counters?.replayed(missed.length);
        return goLive(joinDeltas(missed));
      }
      if (events?.length || this.lastSeq !== stood) continue;
      // The log lacks events that the feed has delivered. Its writer will restore it.
      this.#feed.counters?.cameLate('lost_log');
      await pause(retryMs, signal);
    }
  }

  /**
   * Delivers what the log has after the position, by a read that begins after this call. Resolves with whether there was anything. Callers share one
   * repair. If the read fails, the next silence check repeats it.
   */
  async repair(): Promise<boolean> {
    if (this.ended || this.#feed.closed) return false;
    this.#readAgain = true;
    this.#repair ??= this.#readOn();
    return this.#repair;
  }

  async #readOn(): Promise<boolean> {
    let any = false;
    try {
      if (this.begun === null) await this.#placeWhereHeard();
      while (this.#readAgain && !this.ended && !this.#feed.closed) any = (await this.#readOnce()) || any;
      return any;
    } catch (error) {
      this.lastHeardAt = Number.NEGATIVE_INFINITY;
      throw error;
    } finally {
      this.#repair = null;
    }
  }

  /** Reads once. Asks for another read if this one made progress, or more events arrived, and some are still missing. */
  async #readOnce(): Promise<boolean> {
    this.#readAgain = false;
    const { lastSeq, heard } = this;
    const { events, over } = await this.#read(lastSeq);
    const any = this.#deliverAll(events ?? []);
    if (any) this.#feed.counters?.gapRepaired();
    this.ended ||= over && events?.length === 0;
    const moved = this.lastSeq > lastSeq || this.heard > heard;
    this.#readAgain ||= moved && this.heard > this.lastSeq;
    return any;
  }

  async #placeWhereHeard(): Promise<void> {
    const from = Math.max(0, this.heard - 1); // read the last received event again: it may have been the end
    const { events, over, begunAgoMs } = await this.#read(from);
    if (events) this.#placeAt(begunAgoMs, events.at(-1)?.seq ?? from, over);
  }

  #placeAt(begunAgoMs: number | null, seq: number, over: boolean): void {
    this.place(begunAgoMs !== null && this.#feed.isOlder(begunAgoMs) ? 'before' : 'after', seq, over);
  }

  #read(cursor: number): Promise<Missed> {
    return this.keepWhile(cursor, this.#feed.readMissed(this.#id, cursor));
  }

  #deliver(event: FeedEvent): boolean {
    if (!this.accept(event)) return false;
    this.#feed.deliver(event);
    return true;
  }

  /** Returns whether any of them was new. */
  #deliverAll(events: InvocationEvent[]): boolean {
    let any = false;
    for (const event of events) any = this.#deliver(event) || any;
    return any;
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
