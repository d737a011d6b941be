import type { InvocationEvent } from '@nexus/protocol/event';
import { joinDeltas } from '../events/read-log.ts';
import { FeedPosition } from './feed-position.ts';
import type { Missed } from './read-missed.ts';

/** How soon a log that is to be restored by its writer is asked for again. */
const retryMs = 250;

export type FeedCounters = {
  replayed(events: number): void;
  gapRepaired(): void;
  /** A reader got something later than it was there: nobody heard of it until the silence check, or its log was lost and had to be restored. */
  cameLate(cause: 'silence' | 'lost_log'): void;
};

/** The feed's side. */
export type Follower = {
  readonly closed: boolean;
  readonly counters: FeedCounters | undefined;
  isOlder(begunAgoMs: number): boolean;
  readMissed(invocationId: string, cursor: number): Promise<Missed>;
  /** To all who listen. */
  deliver(event: InvocationEvent): void;
};

/** One invocation as a feed follows it: what is heard of it, and what has to be read; a class, as there are many. */
export class FollowedInvocation extends FeedPosition {
  readonly #id: string;
  readonly #feed: Follower;
  /** The repair that is under way. It reads once more where `#readAgain` is set meanwhile. */
  #repair: Promise<boolean> | null = null;
  #readAgain = false;

  constructor(id: string, feed: Follower) {
    super();
    this.#id = id;
    this.#feed = feed;
  }

  /** Whether the event leaves a hole that nobody fills. A repair that is under way looks by itself whether more was heard meanwhile. */
  hear(event: InvocationEvent): boolean {
    this.note(event);
    this.#deliver(event);
    return this.heard > this.lastSeq && !this.#repair;
  }

  /** See the feed's. */
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
        // Those who are live get what this reader found before it was heard. A reader that is ahead of them may have found a snapshot instead.
        if (from <= this.lastSeq) this.#deliverAll(events);
        if (reached > this.lastSeq || (over && !this.ended)) await this.repair();
        signal.throwIfAborted();
      }
      // Not before the feed has ended too: what it still has to deliver would reach this reader a second time.
      if (over ? this.ended : reached === this.lastSeq) {
        this.#feed.counters?.replayed(missed.length);
        return goLive(joinDeltas(missed));
      }
      if (events?.length || this.lastSeq !== stood) continue;
      // The log does not have what the feed has delivered: its writer restores it.
      this.#feed.counters?.cameLate('lost_log');
      await pause(retryMs, signal);
    }
  }

  /**
   * Delivers what the log has beyond the position, by a read that begins after this call. Resolves with whether there was anything; all who
   * ask meanwhile share one repair. What cannot be read is due at the next silence check.
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

  /** Reads again where it got further, or heard more, and there is more to be had. */
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
    const from = Math.max(0, this.heard - 1); // what was heard last is read again: it may have been the end
    const { events, over, begunAgoMs } = await this.#read(from);
    if (events) this.#placeAt(begunAgoMs, events.at(-1)?.seq ?? from, over);
  }

  #placeAt(begunAgoMs: number | null, seq: number, over: boolean): void {
    this.place(begunAgoMs !== null && this.#feed.isOlder(begunAgoMs) ? 'before' : 'after', seq, over);
  }

  #read(cursor: number): Promise<Missed> {
    return this.keepWhile(cursor, this.#feed.readMissed(this.#id, cursor));
  }

  #deliver(event: InvocationEvent): boolean {
    if (!this.accept(event)) return false;
    this.#feed.deliver(event);
    return true;
  }

  /** Whether any of them was news. */
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
