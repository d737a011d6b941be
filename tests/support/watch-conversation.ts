import { sha256 } from '@nexus/common/feeds/load-snapshot';
import type { InvocationEvent } from '@nexus/protocol/event';
import { type Shown as Folded, fold, isNews, nothingShown, overlaps } from '@nexus/protocol/fold';
import { isFinished } from '@nexus/protocol/invocation-status';
import { maxCursors } from '@nexus/protocol/socket-events';
import { io, type Socket } from 'socket.io-client';
import { waitUntil } from './wait-until.ts';

/** What the client shows, and its last event. */
export type Shown = Folded & { last: InvocationEvent | null };

export type Watcher = {
  conversationId: string;
  socket: Socket;
  /** Everything that arrived, in order. */
  events: InvocationEvent[];
  eventsOf(invocationId: string): InvocationEvent[];
  /** What a client that follows the protocol shows for an invocation. */
  shown(invocationId: string): Shown;
  /** The cursors that a client sends by the protocol: if there are too many, without the oldest of those that are over. */
  cursors(): Record<string, number>;
  /** Resolves when the last event of the invocation has arrived. */
  ended(invocationId: string, timeoutMs?: number): Promise<Shown>;
  subscribe(cursors?: Record<string, number>): Promise<unknown>;
  /** Call this after a POST: the client then has a cursor for the invocation, which may end while the client is away. */
  expect(invocationId: string): void;
  close(): void;
};

export type WatchOptions = {
  conversationId: string;
  cursors?: Record<string, number>;
  transports?: ('websocket' | 'polling')[];
  /** Subscribes again with its cursors after each reconnect, as a real client does. */
  resume?: boolean;
};

/** A client of the gateway that follows the protocol. Its listener never throws: a bad sequence shows in `events`. */
export async function watch(gatewayUrl: string, options: WatchOptions): Promise<Watcher> {
  const { conversationId, transports = ['websocket'], resume = true } = options;
  const events: InvocationEvent[] = [];
  const shown = new Map<string, Shown>();
  const socket = io(gatewayUrl, { transports, reconnectionDelay: 50, reconnectionDelayMax: 500, forceNew: true });

  /** True between an unsubscribe and its answer. Show nothing until then: the gateway sends these events again, from the cursors. */
  let forgetting = false;
  const showOf = (invocationId: string): Shown => {
    const entry = shown.get(invocationId) ?? { ...nothingShown(), last: null };
    shown.set(invocationId, entry);
    return entry;
  };
  socket.on('invocation:event', (event: InvocationEvent) => {
    events.push(event);
    if (!forgetting) show(event);
  });
  /** The protocol's rule: ignore an event that was seen, and subscribe again after one that was seen in part. */
  function show(event: InvocationEvent): void {
    const entry = showOf(event.invocationId);
    if (!isNews(entry.seq, event)) return;
    if (overlaps(entry.seq, event)) void subscribeAnew();
    else Object.assign(fold(entry, event), { last: event });
  }
  const isOver = ({ status }: Shown) => isFinished(status);
  const cursors = () => {
    const given = Object.entries(options.cursors ?? {}).filter(([id]) => !shown.has(id));
    const seen = [...shown].map(([id, entry]) => ({ id, seq: entry.seq, over: isOver(entry) }));
    const tooMany = given.length + seen.length - maxCursors;
    const left = seen.filter(({ over }) => over).slice(0, Math.max(0, tooMany));
    return Object.fromEntries([
      ...given,
      ...seen.filter((each) => !left.includes(each)).map(({ id, seq }) => [id, seq] as const),
    ]);
  };
  const subscribe = async (from: Record<string, number> = cursors()) => {
    forgetting = false;
    const answer: unknown = await socket
      .timeout(10_000)
      .emitWithAck('conversation:subscribe', { conversationId, cursors: from });
    if (typeof answer === 'object' && answer !== null && 'error' in answer)
      throw new Error(JSON.stringify(answer.error));
    return answer;
  };
  /** The invocations that were posted while a subscribe without them was under way. */
  const unnamed = (named: Record<string, number>) =>
    [...shown].some(([id, { last }]) => last === null && !(id in named));

  let first = true;
  const ready = new Promise<void>((resolve, reject) => {
    socket.on('connect', () => {
      if (!first && !resume) return;
      if (first) subscribe().then(() => resolve(), reject);
      else void subscribeAgain();
      first = false;
    });
  });
  socket.on('conversation:interrupted', () => void (resume && subscribeAgain()));

  /** Repeats the subscribe until it is answered or the connection breaks. A new connection subscribes by itself. */
  async function subscribeAgain(): Promise<void> {
    const connection = socket.id;
    while (socket.connected && socket.id === connection) {
      try {
        const named = cursors();
        await subscribe(named);
        if (!unnamed(named)) return;
      } catch {
        // the loop asks again
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  /** Makes the gateway forget what it has sent, and begin again from the cursors. */
  async function subscribeAnew(): Promise<void> {
    forgetting = true;
    await socket
      .timeout(10_000)
      .emitWithAck('conversation:unsubscribe', { conversationId })
      .then(subscribeAgain, () => socket.disconnect().connect());
  }
  await ready;
  return {
    conversationId,
    socket,
    events,
    eventsOf: (invocationId) => events.filter((event) => event.invocationId === invocationId),
    shown: showOf,
    cursors,
    subscribe,
    expect: (invocationId) => void showOf(invocationId),
    ended: (invocationId, timeoutMs = 20_000) =>
      waitUntil(
        () => {
          const entry = showOf(invocationId);
          return isOver(entry) ? entry : null;
        },
        { what: `the end of ${invocationId}`, timeoutMs },
      ),
    close: () => void socket.disconnect(),
  };
}

/** The hash of the text that the client shows, and the hash of the stored text from the last event. */
export function hashes({ text, contentSha256: stored }: Shown): { shown: string | null; stored: string | null } {
  return { shown: stored === null && text === '' ? null : sha256(text), stored };
}

/** Gives every watcher of the conversation a cursor for what was posted, as the protocol asks. */
export function nameTo(watchers: Watcher[], posted: { id: string; conversationId: string }): void {
  for (const watcher of watchers) if (watcher.conversationId === posted.conversationId) watcher.expect(posted.id);
}

/** The TCP connection of a WebSocket. A test pauses it to act as a client that does not read. */
export function wireOf({ socket }: Pick<Watcher, 'socket'>): { pause(): void; resume(): void } {
  return (socket.io.engine.transport as unknown as { ws: { _socket: { pause(): void; resume(): void } } }).ws._socket;
}
