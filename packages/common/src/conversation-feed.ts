import type { LogAddress } from './append-events.ts';
import { type InvocationEvent, isLastEvent } from './event.ts';
import type { EventSubscriptions } from './event-subscriptions.ts';
import { joinDeltas } from './read-log.ts';
import { type MissedSources, readMissed } from './read-missed.ts';

/** How long a watched, unfinished invocation may say nothing before its log and row are read again. */
const longestSilenceMs = 3_000;
/** How soon a log that is to be restored by its writer is asked for again. */
const retryMs = 250;

export type ConversationFeed = {
  /** Live events of every invocation of the conversation: in order, without a gap, none twice. Returns how to stop. */
  onEvent(listener: (event: InvocationEvent) => void): () => void;
  /**
   * Reads what a reader at `cursor` missed and calls `goLive` with it in the very tick in which the feed stands at the same seq:
   * a listener added inside `goLive` continues exactly there. Rejects with the signal's reason.
   */
  attach(
    invocationId: string,
    cursor: number,
    goLive: (missed: InvocationEvent[]) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** The seq up to which the feed has delivered. */
  lastSeq(invocationId: string): number;
  /** The same for every invocation that the feed knows. */
  positions(): Record<string, number>;
  /** Whether the last event of the invocation has been delivered. */
  hasEnded(invocationId: string): boolean;
  /** Reads again what may have been published unheard, of these invocations and of all that the feed knows. */
  resync(invocationIds: string[]): Promise<void>;
  /** Reads again what has said nothing for long. Whoever keeps the feed calls it every second or so. */
  checkSilence(): void;
  close(): void;
};

export type FeedCounters = { replayed(events: number): void; gapRepaired(): void };

type Position = { lastSeq: number; heard: number; ended: boolean; repairing: boolean; lastHeardAt: number };

export type FeedSources = MissedSources & {
  subscriptions: Pick<EventSubscriptions, 'open'>;
  onError: (error: unknown) => void;
  counters?: FeedCounters;
};

/** One conversation as this process hears it. Listens before it reads: what is published in between is in neither otherwise. */
export async function openConversationFeed(conversationId: string, sources: FeedSources): Promise<ConversationFeed> {
  const { onError, counters } = sources;
  const positions = new Map<string, Position>();
  const listeners = new Set<(event: InvocationEvent) => void>();
  let closed = false;

  const addressOf = (invocationId: string): LogAddress => ({ conversationId, invocationId });

  function positionOf(invocationId: string): Position {
    let position = positions.get(invocationId);
    if (!position) {
      position = { lastSeq: 0, heard: 0, ended: false, repairing: false, lastHeardAt: performance.now() };
      positions.set(invocationId, position);
    }
    return position;
  }

  /** Delivers what continues the position; a snapshot may skip ahead, everything else has to be the next seq. */
  function deliver(position: Position, event: InvocationEvent): void {
    const continues = event.seq === position.lastSeq + 1 || event.type === 'invocation.snapshot';
    const isNews = event.seq > position.lastSeq || (isLastEvent(event) && !position.ended);
    if (!continues || !isNews) return;
    position.lastSeq = Math.max(position.lastSeq, event.seq);
    position.ended ||= isLastEvent(event);
    for (const listener of listeners) listener(event);
  }

  function hear(event: InvocationEvent): void {
    const position = positionOf(event.invocationId);
    position.lastHeardAt = performance.now();
    position.heard = Math.max(position.heard, event.seq);
    if (!position.repairing) deliver(position, event);
    if (position.heard > position.lastSeq) repair(event.invocationId, position).catch(onError);
  }

  async function repair(invocationId: string, position: Position): Promise<void> {
    if (position.repairing || position.ended) return;
    position.repairing = true;
    try {
      do {
        const before = position.lastSeq;
        const missed = await readMissed(sources, addressOf(invocationId), before);
        for (const event of missed ?? []) deliver(position, event);
        if (position.lastSeq === before) return; // the silence check asks again
        counters?.gapRepaired();
      } while (position.heard > position.lastSeq && !closed);
    } finally {
      position.repairing = false;
    }
  }

  const subscription = await sources.subscriptions.open(conversationId, hear);

  return {
    onEvent(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async attach(invocationId, cursor, goLive, signal) {
      const position = positionOf(invocationId);
      const missed: InvocationEvent[] = [];
      for (let reached = cursor; ; ) {
        const events = await readMissed(sources, addressOf(invocationId), reached);
        signal.throwIfAborted();
        missed.push(...(events ?? []));
        reached = missed.at(-1)?.seq ?? reached;
        const over = missed.some(isLastEvent);
        if (reached > position.lastSeq || (over && !position.ended))
          await bringFeedTo(invocationId, position, reached, over);
        // Not before the feed has ended too: what it still has to deliver would reach this reader a second time.
        if (over ? position.ended : reached === position.lastSeq) {
          counters?.replayed(missed.length);
          return goLive(joinDeltas(missed));
        }
        if (!events?.length) await pause(retryMs, signal);
      }
    },
    lastSeq: (invocationId) => positions.get(invocationId)?.lastSeq ?? 0,
    positions: () => Object.fromEntries([...positions].map(([invocationId, { lastSeq }]) => [invocationId, lastSeq])),
    hasEnded: (invocationId) => positions.get(invocationId)?.ended ?? false,
    async resync(invocationIds) {
      for (const invocationId of invocationIds) positionOf(invocationId);
      await Promise.all([...positions].map(([invocationId, position]) => repair(invocationId, position)));
    },
    checkSilence() {
      for (const [invocationId, position] of positions) {
        if (position.ended || performance.now() - position.lastHeardAt < longestSilenceMs) continue;
        position.lastHeardAt = performance.now();
        repair(invocationId, position).catch(onError);
      }
    },
    close() {
      closed = true;
      subscription.close();
      listeners.clear();
    },
  };

  /** A reader found the log ahead of what was heard: those who are live already get it now, so that all stand at one seq. */
  async function bringFeedTo(invocationId: string, position: Position, seq: number, over: boolean): Promise<void> {
    if (listeners.size > 0) {
      position.heard = Math.max(position.heard, seq);
      return repair(invocationId, position);
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
