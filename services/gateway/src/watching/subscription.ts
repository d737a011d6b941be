import type { FeedEvent } from '@nexus/common/events/event-json';
import { eventName } from '@nexus/protocol/socket-events';
import type { Room } from './conversation-rooms.ts';

/** One shared empty array, to save memory: many sockets only wait. */
export const none: readonly never[] = [];

export type Cursors = Record<string, number>;

export type WatchingSocket = {
  emit(name: typeof eventName, event: FeedEvent): unknown;
  /** Take effect before they return. */
  join(room: string): unknown;
  leave(room: string): unknown;
};

/**
 * One socket's watch of one conversation. A class, because there are many. While the socket catches up, it has its own listener on the feed, and
 * gets live events only of invocations that it has caught up with. When it has caught up with all, it joins the room in the same tick. There is
 * no gap and no repeat, because at that moment feed, room and socket are at the same seq in every invocation.
 */
export class Subscription {
  readonly room: Room;
  readonly #socket: WatchingSocket;
  /** How many invocations the feed knew when the watch began. The socket must get all that began after them. */
  readonly #since: number;
  /** While live: the other invocations whose events the socket gets. */
  #others: readonly string[] = none;
  /** The socket's position in each invocation while it is not live. undefined while it is live: then its positions are the feed's. */
  #stands: Cursors | undefined = {};
  #running: AbortController | undefined;
  /** Not live because the client does not read. */
  suspended = false;

  constructor(room: Room, socket: WatchingSocket) {
    this.room = room;
    this.#socket = socket;
    this.#since = room.feed.known();
  }

  /**
   * Sends what the socket missed of these invocations, then goes live. Without a cursor it sends an invocation from its start. A second call adds
   * invocations; in known ones it continues at the socket's position, or at the cursor if that is higher.
   */
  async start(cursors: Cursors, invocationIds: string[]): Promise<void> {
    const stands = this.#takeOff();
    for (const id of invocationIds) stands[id] = Math.max(cursors[id] ?? 0, stands[id] ?? 0);
    if (!this.suspended) await this.#catchUp(stands);
  }

  /** Stops live delivery until `resume`. Returns false if it was already stopped. */
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

  /** Resolves when the socket is live, or when a newer call has replaced this one. */
  async #catchUp(stands: Cursors): Promise<void> {
    const { feed, name } = this.room;
    const run = new AbortController();
    this.#running = run;
    const positions = feed.positions();
    const [attached, waiting] = [new Set<string>(), new Set<string>()];
    for (const id of [...Object.keys(stands), ...feed.newcomers(this.#since), ...feed.unfinished()])
      (positions[id] === (stands[id] ?? 0) ? attached : waiting).add(id);
    const send = (event: FeedEvent) => {
      stands[event.invocationId] = event.seq;
      this.#socket.emit(eventName, event);
    };
    const stopListening = feed.onEvent((event) => {
      if (attached.has(event.invocationId)) send(event);
      else waiting.add(event.invocationId); // it began meanwhile: attach it like the others
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
