import { AppError } from '@nexus/common/app-error';
import type { ConversationRooms, HeldRoom } from './conversation-rooms.ts';
import { type Cursors, createSubscription, type Subscription, type SubscriptionTarget } from './subscription.ts';
import { type BufferedConnection, type BufferLimits, isBehind, isDrained } from './watch-buffer.ts';

export const mostSubscriptions = 1_000;

/** `asked` are the invocations it began with, whether or not the feed has heard of them yet. */
type Watched = { subscription: Subscription; held: HeldRoom; suspended: Cursors | null; asked: string[] };

export type WatchedConversations = {
  /** Opens the watch; `start` sends what was missed and goes live. Watching again begins anew, from the new cursors. */
  open(
    conversationId: string,
  ): Promise<{ lastSeq(invocationId: string): number; start(cursors: Cursors, invocationIds: string[]): void }>;
  close(conversationId: string): void;
  /** Takes a client that does not read off live delivery, and puts one back that has read. True when it was taken off just now. */
  checkBuffer(connection: BufferedConnection, limits: BufferLimits): boolean;
  closeAll(): void;
};

export type WatchedParts = {
  rooms: ConversationRooms;
  targetFor(conversationId: string): SubscriptionTarget;
  /** A catch-up failed for a reason of ours: the watch has ended. */
  onLost(conversationId: string, error: unknown): void;
};

/** Everything one socket watches. */
export function createWatchedConversations({ rooms, targetFor, onLost }: WatchedParts): WatchedConversations {
  const watched = new Map<string, Watched>();
  const opening = new Set<AbortController>();
  let closed = false;

  function close(conversationId: string): void {
    const entry = watched.get(conversationId);
    watched.delete(conversationId);
    entry?.subscription.close();
    entry?.held.close();
  }

  function run(conversationId: string, entry: Watched, cursors: Cursors, invocationIds: string[]): void {
    entry.asked = invocationIds;
    entry.subscription.catchUp(cursors, invocationIds).catch((error: unknown) => {
      if (watched.get(conversationId) !== entry || (error instanceof DOMException && error.name === 'AbortError'))
        return;
      close(conversationId);
      onLost(conversationId, error);
    });
  }

  return {
    async open(conversationId) {
      if (watched.size + opening.size >= mostSubscriptions && !watched.has(conversationId)) {
        throw new AppError('too_many_subscriptions', `One socket watches at most ${mostSubscriptions} conversations`);
      }
      const gone = new AbortController();
      opening.add(gone);
      const held = await rooms.open(conversationId, gone.signal).finally(() => opening.delete(gone));
      close(conversationId);
      if (closed) {
        held.close();
        throw new AppError('service_stopping');
      }
      const entry: Watched = {
        subscription: createSubscription(held.feed, targetFor(conversationId)),
        held,
        suspended: null,
        asked: [],
      };
      watched.set(conversationId, entry);
      return {
        lastSeq: (invocationId) => held.feed.lastSeq(invocationId),
        start: (cursors, invocationIds) => {
          if (watched.get(conversationId) === entry) run(conversationId, entry, cursors, invocationIds);
        },
      };
    },
    close,
    checkBuffer(connection, limits) {
      if (isBehind(connection, limits)) return suspendAll();
      if (isDrained(connection)) resumeAll();
      return false;
    },
    closeAll() {
      closed = true;
      for (const each of opening) each.abort(new AppError('service_stopping'));
      for (const conversationId of [...watched.keys()]) close(conversationId);
    },
  };

  function suspendAll(): boolean {
    let any = false;
    for (const entry of watched.values()) {
      const cursors = entry.subscription.suspend();
      if (cursors) entry.suspended = cursors;
      any ||= cursors !== null;
    }
    return any;
  }

  function resumeAll(): void {
    for (const [conversationId, entry] of watched) {
      const cursors = entry.suspended;
      if (!cursors) continue;
      entry.suspended = null;
      const positions = entry.subscription.feedPositions();
      const known = new Set([...entry.asked, ...Object.keys(positions)]);
      const behind = [...known].filter((id) => positions[id] === undefined || cursors[id] !== positions[id]);
      run(conversationId, entry, cursors, behind);
    }
  }
}
