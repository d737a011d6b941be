import type { ConversationFeed } from '@nexus/common/conversation-feed';
import type { InvocationEvent } from '@nexus/common/event';

export type Cursors = Record<string, number>;

export type SubscriptionTarget = {
  send(event: InvocationEvent): void;
  /** From now on the room's broadcasts reach this socket; has to take effect before it returns. */
  joinRoom(): void;
  leaveRoom(): void;
};

export type Subscription = {
  /** Sends what was missed after these cursors, then goes live. Invocations without a cursor are sent from the start. */
  catchUp(cursors: Cursors, invocationIds: string[]): Promise<void>;
  /** Takes the socket off live delivery; the cursors say where it stands. null when it was off already. */
  suspend(): Cursors | null;
  /** Invocations that the feed has, and where it stands in each. */
  feedPositions(): Cursors;
  close(): void;
};

/**
 * One socket's watch over one conversation. While it catches up it hears the feed by itself, and is sent events only of invocations that
 * it has caught up with; in the tick in which that is all of them it changes over to the room. No gap, no repeat: at that moment
 * the feed, the room and the socket stand at the same seq everywhere.
 */
export function createSubscription(feed: ConversationFeed, target: SubscriptionTarget): Subscription {
  let running: AbortController | undefined;
  let sent: Cursors | undefined;
  let live = false;

  function stop(): void {
    running?.abort();
    running = undefined;
    sent = undefined;
    if (live) target.leaveRoom();
    live = false;
  }

  return {
    async catchUp(cursors, invocationIds) {
      stop();
      const run = new AbortController();
      running = run;
      const positions: Cursors = { ...cursors };
      sent = positions;
      const attached = new Set<string>();
      const waiting = new Set(invocationIds);
      const send = (event: InvocationEvent) => {
        positions[event.invocationId] = event.seq;
        target.send(event);
      };
      const stopListening = feed.onEvent((event) => {
        if (attached.has(event.invocationId)) send(event);
        else waiting.add(event.invocationId); // begun meanwhile: to be attached like the others
      });
      run.signal.addEventListener('abort', stopListening);
      for (const invocationId of waiting) {
        await feed.attach(
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
      target.joinRoom();
      live = true;
      sent = undefined;
      running = undefined; // whoever is live, as most are most of the time, holds nothing of the way there
    },
    suspend() {
      if (!live && !sent) return null;
      const cursors = sent ?? feed.positions();
      stop();
      return cursors;
    },
    feedPositions: () => feed.positions(),
    close: stop,
  };
}
