import type { InvocationEvent } from '@nexus/protocol/event';
import { eventName } from '@nexus/protocol/socket-events';
import type { Room } from './conversation-rooms.ts';

/** Shared by all who have none: many sockets do nothing but wait. */
export const none: readonly never[] = [];

export type Cursors = Record<string, number>;

export type WatchingSocket = {
  emit(name: typeof eventName, event: InvocationEvent): unknown;
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
  /** How many invocations the feed knew when the watch began: the socket is owed all that began after them. */
  readonly #since: number;
  /** Of a live one, the other invocations that it was sent. */
  #others: readonly string[] = none;
  /** Where the socket stands while it is off live delivery. A live one, as most are most of the time, stands where the feed does. */
  #stands: Cursors | undefined = {};
  #running: AbortController | undefined;
  /** Off live delivery because the client does not read. */
  suspended = false;

  constructor(room: Room, socket: WatchingSocket) {
    this.room = room;
    this.#socket = socket;
    this.#since = room.feed.known();
  }

  /**
   * Sends what was missed of these invocations, without a cursor from the start, and goes live. Started again, it adds what it does not
   * watch yet; in the others it goes on where the socket stands, or at the cursor if that is further.
   */
  async start(cursors: Cursors, invocationIds: string[]): Promise<void> {
    const stands = this.#takeOff();
    for (const id of invocationIds) stands[id] = Math.max(cursors[id] ?? 0, stands[id] ?? 0);
    if (!this.suspended) await this.#catchUp(stands);
  }

  /** Takes the socket off live delivery until it is resumed. False when it was off already. */
  suspend(): boolean {
    if (this.#stands && !this.#running) return false;
    this.#takeOff();
    this.suspended = true;
    return true;
  }

  async resume(): Promise<void> {
    this.suspended = false;
    await this.#catchUp(this.#takeOff());
  }

  close(): void {
    this.#running?.abort();
    this.#running = undefined;
    if (!this.#stands) void this.#socket.leave(this.room.name);
    this.#stands = {};
  }

  #takeOff(): Cursors {
    const stands = this.#stands ?? this.#livePositions();
    this.close();
    this.#stands = stands;
    return stands;
  }

  #livePositions(): Cursors {
    const { feed } = this.room;
    const positions = feed.positions();
    const ids = [...this.#others, ...feed.newcomers(this.#since)];
    return Object.fromEntries(ids.flatMap((id) => (id in positions ? [[id, positions[id] ?? 0]] : [])));
  }

  /** Resolves when it is live, or when something else was begun in its place. */
  async #catchUp(stands: Cursors): Promise<void> {
    const { feed, name } = this.room;
    const run = new AbortController();
    this.#running = run;
    const positions = feed.positions();
    const [attached, waiting] = [new Set<string>(), new Set<string>()];
    for (const id of [...Object.keys(stands), ...feed.newcomers(this.#since), ...feed.unfinished()])
      (positions[id] === (stands[id] ?? 0) ? attached : waiting).add(id);
    const send = (event: InvocationEvent) => {
      stands[event.invocationId] = event.seq;
      this.#socket.emit(eventName, event);
    };
    const stopListening = feed.onEvent((event) => {
      if (attached.has(event.invocationId)) send(event);
      else waiting.add(event.invocationId); // begun meanwhile: to be attached like the others
    });
    run.signal.addEventListener('abort', stopListening);
    try {
      for (const invocationId of waiting) {
        await feed.attach(
          invocationId,
          stands[invocationId] ?? 0,
          (missed) => {
            attached.add(invocationId);
            for (const event of missed) send(event);
          },
          run.signal,
        );
      }
      run.signal.throwIfAborted();
    } catch (error) {
      if (run.signal.aborted) return;
      throw error;
    }
    stopListening();
    void this.#socket.join(name);
    const newcomers = new Set(feed.newcomers(this.#since));
    const others = [...attached].filter((id) => !newcomers.has(id));
    this.#others = others.length > 0 ? others : none;
    this.#stands = undefined;
    this.#running = undefined;
  }
}
