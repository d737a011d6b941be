import { AppError } from '@nexus/common/app-error';
import type { ConversationRooms, Room } from './conversation-rooms.ts';
import { type Cursors, none, Subscription, type WatchingSocket } from './subscription.ts';
import { type BufferedConnection, type BufferLimits, isBehind, isDrained } from './watch-buffer.ts';

export const mostSubscriptions = 1_000;

/** What the watches of all sockets share. */
export type WatchParts<Socket> = {
  rooms: ConversationRooms;
  /** A catch-up failed for a reason of ours: the watch has ended. */
  onLost(socket: Socket, conversationId: string, error: unknown): void;
};

/** Everything one socket watches. A class, as there are many: they share their code, and an idle one holds little. */
export class WatchedConversations<Socket extends WatchingSocket> {
  readonly #parts: WatchParts<Socket>;
  readonly #socket: Socket;
  readonly #watched = new Map<string, Subscription>();
  /** Those that are being opened. */
  #opening: readonly AbortController[] = none;
  #closed = false;

  constructor(parts: WatchParts<Socket>, socket: Socket) {
    this.#parts = parts;
    this.#socket = socket;
  }

  /** Opens the watch; `start` sends what was missed and goes live. Watching again begins anew, from the new cursors. */
  async open(
    conversationId: string,
  ): Promise<{ lastSeq(invocationId: string): number; start(cursors: Cursors, invocationIds: string[]): void }> {
    if (this.#closed) throw new AppError('service_stopping');
    if (this.#watched.size + this.#opening.length >= mostSubscriptions && !this.#watched.has(conversationId)) {
      throw new AppError('too_many_subscriptions', `One socket watches at most ${mostSubscriptions} conversations`);
    }
    const room = await this.#openRoom(conversationId);
    this.close(conversationId);
    if (this.#closed) {
      this.#parts.rooms.leave(room);
      throw new AppError('service_stopping');
    }
    const subscription = new Subscription(room, this.#socket);
    this.#watched.set(conversationId, subscription);
    return {
      lastSeq: (invocationId) => room.feed.lastSeq(invocationId),
      start: (cursors, invocationIds) => {
        if (this.#watched.get(conversationId) === subscription)
          this.#run(conversationId, subscription, cursors, invocationIds);
      },
    };
  }

  close(conversationId: string): void {
    const subscription = this.#watched.get(conversationId);
    if (!subscription) return;
    this.#watched.delete(conversationId);
    subscription.close();
    this.#parts.rooms.leave(subscription.room);
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

  async #openRoom(conversationId: string): Promise<Room> {
    const gone = new AbortController();
    this.#opening = [...this.#opening, gone];
    try {
      return await this.#parts.rooms.open(conversationId, gone.signal);
    } finally {
      const others = this.#opening.filter((each) => each !== gone);
      this.#opening = others.length > 0 ? others : none;
    }
  }

  #run(conversationId: string, subscription: Subscription, cursors: Cursors, invocationIds: string[]): void {
    subscription.asked = invocationIds.length > 0 ? invocationIds : none;
    subscription.catchUp(cursors, invocationIds).catch((error: unknown) => {
      if (this.#watched.get(conversationId) !== subscription) return;
      if (error instanceof DOMException && error.name === 'AbortError') return;
      this.close(conversationId);
      this.#parts.onLost(this.#socket, conversationId, error);
    });
  }

  #suspendAll(): boolean {
    let any = false;
    for (const subscription of this.#watched.values()) {
      const cursors = subscription.suspend();
      if (cursors) subscription.suspended = cursors;
      any ||= cursors !== null;
    }
    return any;
  }

  #resumeAll(): void {
    for (const [conversationId, subscription] of this.#watched) {
      const cursors = subscription.suspended;
      if (!cursors) continue;
      subscription.suspended = null;
      this.#run(conversationId, subscription, cursors, subscription.behind(cursors));
    }
  }
}
