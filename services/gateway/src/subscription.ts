import type { ConversationFeed } from '@nexus/common/conversation-feed';
import type { InvocationEvent } from '@nexus/common/event';

export type Cursors = Record<string, number>;

/** A socket, as far as one conversation is concerned. */
export type SubscriptionTarget = {
  send(event: InvocationEvent): void;
  /** From now on the room's broadcasts reach this socket; has to take effect before it returns. */
  joinRoom(): void;
  leaveRoom(): void;
};

/**
 * One socket's watch over one conversation; a class, as there are many. While it catches up it hears the feed by itself, and is sent events only of invocations that
 * it has caught up with; in the tick in which that is all of them it changes over to the room. No gap, no repeat: at that moment
 * the feed, the room and the socket stand at the same seq everywhere.
 */
export class Subscription {
  readonly #feed: ConversationFeed;
  readonly #target: SubscriptionTarget;
  #running: AbortController | undefined;
  #sent: Cursors | undefined;
  #live = false;

  constructor(feed: ConversationFeed, target: SubscriptionTarget) {
    this.#feed = feed;
    this.#target = target;
  }

  /** Sends what was missed after these cursors, then goes live. Invocations without a cursor are sent from the start. */
  async catchUp(cursors: Cursors, invocationIds: string[]): Promise<void> {
    this.close();
    const run = new AbortController();
    this.#running = run;
    const positions: Cursors = { ...cursors };
    this.#sent = positions;
    const attached = new Set<string>();
    const waiting = new Set(invocationIds);
    const send = (event: InvocationEvent) => {
      positions[event.invocationId] = event.seq;
      this.#target.send(event);
    };
    const stopListening = this.#feed.onEvent((event) => {
      if (attached.has(event.invocationId)) send(event);
      else waiting.add(event.invocationId); // begun meanwhile: to be attached like the others
    });
    run.signal.addEventListener('abort', stopListening);
    for (const invocationId of waiting) {
      await this.#feed.attach(
        invocationId,
        positions[invocationId] ?? 0,
        (missed) => {
          attached.add(invocationId);
          for (const event of missed) send(event);
        },
        run.signal,
      );
    }
    stopListening();
    run.signal.throwIfAborted();
    this.#target.joinRoom();
    this.#live = true;
    this.#sent = undefined;
    this.#running = undefined; // whoever is live, as most are most of the time, holds nothing of the way there
  }

  /** Takes the socket off live delivery; the cursors say where it stands. null when it was off already. */
  suspend(): Cursors | null {
    if (!this.#live && !this.#sent) return null;
    const cursors = this.#sent ?? this.#feed.positions();
    this.close();
    return cursors;
  }

  /** Invocations that the feed has, and where it stands in each. */
  feedPositions(): Cursors {
    return this.#feed.positions();
  }

  close(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#sent = undefined;
    if (this.#live) this.#target.leaveRoom();
    this.#live = false;
  }
}
