import { endsInvocation, type FeedEvent, wholeEvent } from '../events/event-json.ts';
import type { Missed } from './read-missed.ts';

/** How many events one read keeps that arrive during it. The feed reads the rest again. */
const maxKept = 1_000;

/** One shared empty array, to save memory: nearly all positions have no read under way. */
const none: readonly never[] = [];

/** A feed's position in one invocation. */
export class FeedPosition {
  /**
   * Whether the invocation began before or after the feed. If before, only readers that attach get its events: the first of them sets the position,
   * and the feed delivers nothing before it. null until it is known.
   */
  begun: 'before' | 'after' | null = null;
  /** The seq up to which the feed has delivered. */
  lastSeq = 0;
  /** The highest seq that this process has received. */
  heard = 0;
  /** Whether the last event has been delivered. */
  ended = false;
  lastHeardAt = performance.now();
  /** For each read that is under way, the events heard since it began. */
  #kept: readonly FeedEvent[][] = none;

  note(event: FeedEvent): void {
    this.lastHeardAt = performance.now();
    this.heard = Math.max(this.heard, event.seq);
    if (this.#kept !== none) this.#keep(event);
  }

  #keep(event: FeedEvent): void {
    for (const kept of this.#kept) if (kept.length < maxKept) kept.push(event);
  }

  /** Moves to the event if it is the next one. A snapshot may skip ahead; every other event must have the next seq. */
  accept(event: FeedEvent): boolean {
    const continues = event.seq === this.lastSeq + 1 || event.type === 'invocation.snapshot';
    const isNews = event.seq > this.lastSeq || (endsInvocation(event) && !this.ended);
    if (!continues || !isNews) return false;
    this.begun ??= 'after';
    this.lastSeq = Math.max(this.lastSeq, event.seq);
    this.ended ||= endsInvocation(event);
    return true;
  }

  /** Sets where the feed begins in an invocation that is new to it: at `seq`, or before its first event. */
  place(begun: 'before' | 'after', seq: number, over: boolean): void {
    if (this.begun !== null) return;
    this.begun = begun;
    if (begun === 'after') return;
    this.lastSeq = seq;
    this.ended = over;
  }

  /**
   * The result of a read of the log, continued by the events that arrived during it. An event that is published during the read is in the result, or
   * arrives: together they are complete.
   */
  async keepWhile(cursor: number, reading: Promise<Missed>): Promise<Missed> {
    const kept: FeedEvent[] = [];
    this.#kept = [...this.#kept, kept];
    try {
      return continued(await reading, cursor, kept);
    } finally {
      const others = this.#kept.filter((each) => each !== kept);
      this.#kept = others.length > 0 ? others : none;
    }
  }
}

function continued(missed: Missed, cursor: number, heard: FeedEvent[]): Missed {
  if (missed.events === null || missed.over || heard.length === 0) return missed;
  const events = [...missed.events];
  let last = events.at(-1)?.seq ?? cursor;
  let over = false;
  for (const event of heard) {
    if (event.seq !== last + 1) continue;
    events.push(wholeEvent(event));
    last = event.seq;
    over = endsInvocation(event);
  }
  return { ...missed, events, over };
}
