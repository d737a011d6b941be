import { sha256 } from '@nexus/common/feeds/load-snapshot';
import type { InvocationEvent } from '@nexus/protocol/event';
import { type Shown as Folded, fold, isNews, nothingShown, overlaps } from '@nexus/protocol/fold';
import { isFinished } from '@nexus/protocol/invocation-status';
import { maxCursors } from '@nexus/protocol/socket-events';
import { io, type Socket } from 'socket.io-client';
import { waitUntil } from './wait-until.ts';

/** What the client shows, and the event that came last. */
export type Shown = Folded & { last: InvocationEvent | null };

export type Watcher = {
  conversationId: string;
  socket: Socket;
  /** Everything that arrived, in order. */
  events: InvocationEvent[];
  eventsOf(invocationId: string): InvocationEvent[];
  /** What a client that follows the protocol shows of an invocation. */
  shown(invocationId: string): Shown;
  /** Where it stands, the oldest that are over left out where they are too many: what a client that follows the protocol sends. */
  cursors(): Record<string, number>;
  /** Resolves once the last event of the invocation is here. */
  ended(invocationId: string, timeoutMs?: number): Promise<Shown>;
  subscribe(cursors?: Record<string, number>): Promise<unknown>;
  /** What the client has just posted itself: it names it from now on, for it may be over before the client is back. */
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

/** A client of the gateway as the protocol describes one. Throws out of its listener nothing: a bad sequence shows in `events`. */
export async function watch(gatewayUrl: string, options: WatchOptions): Promise<Watcher> {
  const { conversationId, transports = ['websocket'], resume = true } = options;
  const events: InvocationEvent[] = [];
  const shown = new Map<string, Shown>();
  const socket = io(gatewayUrl, { transports, reconnectionDelay: 50, reconnectionDelayMax: 500, forceNew: true });

  /** Nothing is shown until the gateway has forgotten what it sent: it would leave out what an event had that was not shown. */
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
  /** The protocol's rule: an event that was seen is ignored, and of one that was seen in part the client asks for the rest. */
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
  /** Names what was posted while a subscription was under way that did not name it. */
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

  /** Until it is answered, or the connection goes: what comes back subscribes anew. */
  async function subscribeAgain(): Promise<void> {
    const connection = socket.id;
    while (socket.connected && socket.id === connection) {
      try {
        const named = cursors();
        await subscribe(named);
        if (!unnamed(named)) return;
      } catch {
        // asked again, below
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  /** The gateway forgets what it has sent, and begins anew from the cursors. */
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

/** The hash of the stored text, as the last event names it, beside that of the text that the client shows. */
export function hashes({ text, contentSha256: stored }: Shown): { shown: string | null; stored: string | null } {
  return { shown: stored === null && text === '' ? null : sha256(text), stored };
}

/** A client that posts names what it has posted, as the protocol asks: it may be over before the client is back from wherever it was. */
export function nameTo(watchers: Watcher[], posted: { id: string; conversationId: string }): void {
  for (const watcher of watchers) if (watcher.conversationId === posted.conversationId) watcher.expect(posted.id);
}

/** The connection under a WebSocket: a client that does not read has paused it. */
export function wireOf({ socket }: Pick<Watcher, 'socket'>): { pause(): void; resume(): void } {
  return (socket.io.engine.transport as unknown as { ws: { _socket: { pause(): void; resume(): void } } }).ws._socket;
}
