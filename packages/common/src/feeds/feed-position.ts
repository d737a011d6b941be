import { type InvocationEvent, isLastEvent } from '@nexus/protocol/event';
import type { Missed } from './read-missed.ts';

/** Events that one read keeps of those heard meanwhile. The rest is read again. */
const maxKept = 1_000;

/** Shared by all positions that nobody reads for: nearly all. */
const none: readonly never[] = [];

/** Where a feed stands in one invocation. */
export class FeedPosition {
  /**
   * An invocation that began before the feed is owed only to those who attach to it: its position is set to where the first of them
   * stands, and nothing before that is delivered. null until it is known.
   */
  begun: 'before' | 'after' | null = null;
  /** The seq up to which the feed has delivered. */
  lastSeq = 0;
  /** The highest seq that was published, as far as this process knows. */
  heard = 0;
  /** Whether the last event has been delivered. */
  ended = false;
  lastHeardAt = performance.now();
  /** For each read that is under way, the events heard since it began. */
  #kept: readonly InvocationEvent[][] = none;

  note(event: InvocationEvent): void {
    this.lastHeardAt = performance.now();
    this.heard = Math.max(this.heard, event.seq);
    if (this.#kept !== none) this.#keep(event);
  }

  #keep(event: InvocationEvent): void {
    for (const kept of this.#kept) if (kept.length < maxKept) kept.push(event);
  }

  /** Moves on to the event if it comes next. A snapshot may skip ahead, everything else has to be the next seq. */
  accept(event: InvocationEvent): boolean {
    const continues = event.seq === this.lastSeq + 1 || event.type === 'invocation.snapshot';
    const isNews = event.seq > this.lastSeq || (isLastEvent(event) && !this.ended);
    if (!continues || !isNews) return false;
    this.begun ??= 'after';
    this.lastSeq = Math.max(this.lastSeq, event.seq);
    this.ended ||= isLastEvent(event);
    return true;
  }

  /** Settles where the feed begins with an invocation that it knew nothing of: at `seq`, or before its first event. */
  place(begun: 'before' | 'after', seq: number, over: boolean): void {
    if (this.begun !== null) return;
    this.begun = begun;
    if (begun === 'after') return;
    this.lastSeq = seq;
    this.ended = over;
  }

  /**
   * What a read of the log brings, continued by what was heard while it was under way. An event that is published during the read is in the
   * log as it was read, or it was heard: together they leave nothing out.
   */
  async keepWhile(cursor: number, reading: Promise<Missed>): Promise<Missed> {
    const kept: InvocationEvent[] = [];
    this.#kept = [...this.#kept, kept];
    try {
      return continued(await reading, cursor, kept);
    } finally {
      const others = this.#kept.filter((each) => each !== kept);
      this.#kept = others.length > 0 ? others : none;
    }
  }
}

function continued(missed: Missed, cursor: number, heard: InvocationEvent[]): Missed {
  if (missed.events === null || missed.over || heard.length === 0) return missed;
  const events = [...missed.events];
  let last = events.at(-1)?.seq ?? cursor;
  let over = false;
  for (const event of heard) {
    if (event.seq !== last + 1) continue;
    events.push(event);
    last = event.seq;
    over = isLastEvent(event);
  }
  return { ...missed, events, over };
}
