import { AppError } from '@nexus/common/app-error';
import type { ConversationRooms, HeldRoom } from './conversation-rooms.ts';
import { type Cursors, Subscription, type SubscriptionTarget } from './subscription.ts';
import { type BufferedConnection, type BufferLimits, isBehind, isDrained } from './watch-buffer.ts';

export const mostSubscriptions = 1_000;

/** `asked` are the invocations it began with, whether or not the feed has heard of them yet. */
type Watched = { subscription: Subscription; held: HeldRoom; suspended: Cursors | null; asked: string[] };

export type Watcher = {
  targetFor(conversationId: string): SubscriptionTarget;
  /** A catch-up failed for a reason of ours: the watch has ended. */
  onLost(conversationId: string, error: unknown): void;
};

/** Everything one socket watches. A class, as there are many: they share their code, and an idle one holds little. */
export class WatchedConversations {
  readonly #rooms: ConversationRooms;
  readonly #watcher: Watcher;
  readonly #watched = new Map<string, Watched>();
  /** Those that are being opened. */
  #opening: AbortController[] = none;
  #closed = false;

  constructor(rooms: ConversationRooms, watcher: Watcher) {
    this.#rooms = rooms;
    this.#watcher = watcher;
  }

  /** Opens the watch; `start` sends what was missed and goes live. Watching again begins anew, from the new cursors. */
  async open(
    conversationId: string,
  ): Promise<{ lastSeq(invocationId: string): number; start(cursors: Cursors, invocationIds: string[]): void }> {
    if (this.#closed) throw new AppError('service_stopping');
    if (this.#watched.size + this.#opening.length >= mostSubscriptions && !this.#watched.has(conversationId)) {
      throw new AppError('too_many_subscriptions', `One socket watches at most ${mostSubscriptions} conversations`);
    }
    const held = await this.#openRoom(conversationId);
    this.close(conversationId);
    if (this.#closed) {
      held.close();
      throw new AppError('service_stopping');
    }
    const entry: Watched = {
      subscription: new Subscription(held.feed, this.#watcher.targetFor(conversationId)),
      held,
      suspended: null,
      asked: none,
    };
    this.#watched.set(conversationId, entry);
    return {
      lastSeq: (invocationId) => held.feed.lastSeq(invocationId),
      start: (cursors, invocationIds) => {
        if (this.#watched.get(conversationId) === entry) this.#run(conversationId, entry, cursors, invocationIds);
      },
    };
  }

  close(conversationId: string): void {
    const entry = this.#watched.get(conversationId);
    this.#watched.delete(conversationId);
    entry?.subscription.close();
    entry?.held.close();
  }

  /** Takes a client that does not read off live delivery, and puts one back that has read. True when it was taken off just now. */
  checkBuffer(connection: BufferedConnection, limits: BufferLimits): boolean {
    if (isBehind(connection, limits)) return this.#suspendAll();
    if (isDrained(connection)) this.#resumeAll();
    return false;
  }

  closeAll(): void {
    this.#closed = true;
    for (const each of this.#opening) each.abort(new AppError('service_stopping'));
    for (const conversationId of [...this.#watched.keys()]) this.close(conversationId);
  }

  async #openRoom(conversationId: string): Promise<HeldRoom> {
    const gone = new AbortController();
    this.#opening = [...this.#opening, gone];
    try {
      return await this.#rooms.open(conversationId, gone.signal);
    } finally {
      const others = this.#opening.filter((each) => each !== gone);
      this.#opening = others.length > 0 ? others : none;
    }
  }

  #run(conversationId: string, entry: Watched, cursors: Cursors, invocationIds: string[]): void {
    entry.asked = invocationIds;
    entry.subscription.catchUp(cursors, invocationIds).catch((error: unknown) => {
      if (this.#watched.get(conversationId) !== entry) return;
      if (error instanceof DOMException && error.name === 'AbortError') return;
      this.close(conversationId);
      this.#watcher.onLost(conversationId, error);
    });
  }

  #suspendAll(): boolean {
    let any = false;
    for (const entry of this.#watched.values()) {
      const cursors = entry.subscription.suspend();
      if (cursors) entry.suspended = cursors;
      any ||= cursors !== null;
    }
    return any;
  }

  #resumeAll(): void {
    for (const [conversationId, entry] of this.#watched) {
      const cursors = entry.suspended;
      if (!cursors) continue;
      entry.suspended = null;
      const positions = entry.subscription.feedPositions();
      const known = new Set([...entry.asked, ...Object.keys(positions)]);
      const behind = [...known].filter((id) => positions[id] === undefined || cursors[id] !== positions[id]);
      this.#run(conversationId, entry, cursors, behind);
    }
  }
}

/** Shared by all who have none: many sockets do nothing but wait. */
const none: never[] = [];
