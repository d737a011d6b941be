import { AppError } from '@nexus/common/errors/app-error';
import type { ConversationRooms, Room } from './conversation-rooms.ts';
import { type Cursors, none, Subscription, type WatchingSocket } from './subscription.ts';
import { type BufferedConnection, type BufferLimits, isBehind, isDrained } from './watch-buffer.ts';

export const maxSubscriptions = 1_000;

/** The parts that the watches of all sockets share. */
export type WatchParts<Socket> = {
  rooms: ConversationRooms;
  /** A catch-up failed because a store of ours failed. The watch has ended. */
  onLost(socket: Socket, conversationId: string, error: unknown): void;
};

type Watch = { lastSeq(invocationId: string): number; start(cursors: Cursors, invocationIds: string[]): void };

/** A watch that is being opened. `wanted` becomes false if it is closed before it is open. */
type Opening = { conversationId: string; gone: AbortController; wanted: boolean };

/** Everything that one socket watches. A class, because there are many: an idle one needs little memory. */
export class WatchedConversations<Socket extends WatchingSocket> {
  readonly #parts: WatchParts<Socket>;
  readonly #socket: Socket;
  /** Mostly one or none, so an array: a map needs more memory than the rest of this object. Replaced, never changed. */
  #watched: readonly Subscription[] = none;
  /** Oldest first. */
  #opening: readonly Opening[] = none;
  #closed = false;

  constructor(parts: WatchParts<Socket>, socket: Socket) {
    this.#parts = parts;
    this.#socket = socket;
  }

  /**
   * Opens the watch when `assertMayWatch` has resolved. `start` then sends what the socket missed and goes live; it does nothing if the watch was
   * closed after this call. A conversation has one watch: a second `open` adds to it, also while the first is still running.
   */
  async open(conversationId: string, assertMayWatch: () => Promise<unknown>): Promise<Watch> {
    if (this.#closed) throw new AppError('service_stopping');
    if (this.#watched.length + this.#opening.length >= maxSubscriptions && !this.#find(conversationId)) {
      throw new AppError('too_many_subscriptions', `One socket watches at most ${maxSubscriptions} conversations`);
    }
    const opening: Opening = { conversationId, gone: new AbortController(), wanted: true };
    this.#opening = [...this.#opening, opening];
    try {
      await assertMayWatch();
      return this.#enter(opening, await this.#parts.rooms.open(conversationId, opening.gone.signal));
    } finally {
      const others = this.#opening.filter((each) => each !== opening);
      this.#opening = others.length > 0 ? others : none;
    }
  }

  close(conversationId: string): void {
    for (const opening of this.#opening) if (opening.conversationId === conversationId) opening.wanted = false;
    this.#end(conversationId);
  }

  /** Stops live delivery to a client that does not read, and resumes it when it has read. Returns true if it has just stopped it. */
  checkBuffer(connection: BufferedConnection, limits: BufferLimits): boolean {
    if (isBehind(connection, limits)) return this.#suspendAll();
    if (isDrained(connection)) this.#resumeAll();
    return false;
  }

  closeAll(): void {
    this.#closed = true;
    for (const { gone } of this.#opening) gone.abort(new AppError('service_stopping'));
    const all = this.#watched;
    this.#watched = none;
    for (const subscription of all) this.#leave(subscription);
  }

  #enter(opening: Opening, room: Room): Watch {
    const subscription = opening.wanted && !this.#closed ? this.#hold(room) : undefined;
    if (!subscription) this.#parts.rooms.leave(room);
    return {
      lastSeq: (invocationId) => room.feed.lastSeq(invocationId),
      start: (cursors, invocationIds) => {
        if (subscription && this.#watched.includes(subscription))
          this.#run(subscription, subscription.start(cursors, invocationIds));
      },
    };
  }

  /** The conversation's watch. If there already is one, it has its own `open` of the room, so leave this one. */
  #hold(room: Room): Subscription {
    const known = this.#find(room.conversationId);
    if (known) {
      this.#parts.rooms.leave(room);
      return known;
    }
    const subscription = new Subscription(room, this.#socket);
    this.#watched = [...this.#watched, subscription];
    return subscription;
  }

  #find(conversationId: string): Subscription | undefined {
    return this.#watched.find(({ room }) => room.conversationId === conversationId);
  }

  #end(conversationId: string): void {
    const subscription = this.#find(conversationId);
    if (!subscription) return;
    const others = this.#watched.filter((each) => each !== subscription);
    this.#watched = others.length > 0 ? others : none;
    this.#leave(subscription);
  }

  #leave(subscription: Subscription): void {
    subscription.close();
    this.#parts.rooms.leave(subscription.room);
  }

  #run(subscription: Subscription, catchingUp: Promise<void>): void {
    catchingUp.catch((error: unknown) => {
      if (!this.#watched.includes(subscription)) return;
      const { conversationId } = subscription.room;
      this.#end(conversationId);
      this.#parts.onLost(this.#socket, conversationId, error);
    });
  }

  #suspendAll(): boolean {
    let any = false;
    for (const subscription of this.#watched) any = subscription.suspend() || any;
    return any;
  }

  #resumeAll(): void {
    for (const subscription of this.#watched)
      if (subscription.suspended) this.#run(subscription, subscription.resume());
  }
}
