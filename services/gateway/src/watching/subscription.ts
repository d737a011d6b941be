import type { FeedEvent } from '@nexus/common/events/event-json';
import { eventName } from '@nexus/protocol/socket-events';
import type { Room } from './conversation-rooms.ts';

/** Shared by all who have none: many sockets do nothing but wait. */
export const none: readonly never[] = [];

export type Cursors = Record<string, number>;

export type WatchingSocket = {
  emit(name: typeof eventName, event: FeedEvent): unknown;
  /** Take effect before they return. */
  join(room: string): unknown;
  leave(room: string): unknown;
};

/**
 * One socket's watch over one conversation; a class, as there are many. While it catches up it hears the feed by itself, and is sent events
 * only of invocations that it has caught up with; in the tick in which that is all of them it changes over to the room. No gap, no repeat: at that moment
 * the feed, the room and the socket stand at the same seq everywhere.
 */
export class Subscription {
  readonly room: Room;
  readonly #socket: WatchingSocket;
  #running: AbortController | undefined;
  #sent: Cursors | undefined;
  #live = false;
  /** Kept here for who suspends it: where it stood when it was taken off live delivery, until it is put back. */
  suspended: Cursors | null = null;
  /** The invocations it began with, whether or not the feed has heard of them yet. */
  asked: readonly string[] = none;

  constructor(room: Room, socket: WatchingSocket) {
    this.room = room;
    this.#socket = socket;
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
    const send = (event: FeedEvent) => {
      positions[event.invocationId] = event.seq;
      this.#socket.emit(eventName, event);
    };
    const stopListening = this.room.feed.onEvent((event) => {
      if (attached.has(event.invocationId)) send(event);
      else waiting.add(event.invocationId); // begun meanwhile: to be attached like the others
    });
    run.signal.addEventListener('abort', stopListening);
    for (const invocationId of waiting) {
      await this.room.feed.attach(
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
    void this.#socket.join(this.room.name);
    this.#live = true;
    this.#sent = undefined;
    this.#running = undefined; // whoever is live, as most are most of the time, holds nothing of the way there
  }

  /** Takes the socket off live delivery; the cursors say where it stands. null when it was off already. */
  suspend(): Cursors | null {
    if (!this.#live && !this.#sent) return null;
    const cursors = this.#sent ?? this.room.feed.positions();
    this.close();
    return cursors;
  }

  /** The invocations in which one that was suspended at these cursors has missed something. */
  behind(cursors: Cursors): string[] {
    const { feed } = this.room;
    const owed = new Set([...this.asked, ...Object.keys(cursors), ...feed.newcomers()]);
    const positions = feed.positions();
    return [...owed].filter((id) => positions[id] === undefined || cursors[id] !== positions[id]);
  }

  close(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#sent = undefined;
    if (this.#live) void this.#socket.leave(this.room.name);
    this.#live = false;
  }
}
