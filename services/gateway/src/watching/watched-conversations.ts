import { AppError } from '@nexus/common/errors/app-error';
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

type Watch = { lastSeq(invocationId: string): number; start(cursors: Cursors, invocationIds: string[]): void };

/** A watch that is being opened. No more `wanted` when it was closed before it was open. */
type Opening = { conversationId: string; gone: AbortController; wanted: boolean };

/** Everything one socket watches. A class, as there are many: they share their code, and an idle one holds little. */
export class WatchedConversations<Socket extends WatchingSocket> {
  readonly #parts: WatchParts<Socket>;
  readonly #socket: Socket;
  /** Mostly one, or none: a map would hold more than all the rest of this. Replaced, never changed. */
  #watched: readonly Subscription[] = none;
  /** Oldest first. */
  #opening: readonly Opening[] = none;
  #closed = false;

  constructor(parts: WatchParts<Socket>, socket: Socket) {
    this.#parts = parts;
    this.#socket = socket;
  }

  /**
   * Opens the watch once `assertMayWatch` has resolved; `start` sends what was missed and goes live, and does nothing when the watch was closed
   * meanwhile, at whatever moment after this call. A conversation has one watch: opening it again, also while it is being opened, adds to it.
   */
  async open(conversationId: string, assertMayWatch: () => Promise<unknown>): Promise<Watch> {
    if (this.#closed) throw new AppError('service_stopping');
    if (this.#watched.length + this.#opening.length >= mostSubscriptions && !this.#find(conversationId)) {
      throw new AppError('too_many_subscriptions', `One socket watches at most ${mostSubscriptions} conversations`);
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

  /** Takes a client that does not read off live delivery, and puts one back that has read. True when it was taken off just now. */
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

  /** The conversation's watch. One that is there already has a hold on the room of its own. */
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
