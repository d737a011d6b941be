import type { InvocationEvent } from './event.ts';
import { eventsChannel } from './event-log-names.ts';
import type { Redis } from './open-redis.ts';

type Listener = (event: InvocationEvent) => void;

export type EventSubscriptions = {
  /** Resolves once Redis delivers the conversation's events to the listener. Each call is ended by its own `close`. */
  open(conversationId: string, listener: Listener): Promise<{ close(): void }>;
  /** Called whenever the connection came back: what was published meanwhile is missing. */
  onReconnect(listener: () => void): void;
  /** Conversations subscribed to at present. */
  size(): number;
};

/** One Redis subscription per conversation and process, however many listen; released when the last of them leaves. */
export function createEventSubscriptions(subscriber: Redis): EventSubscriptions {
  const channels = new Map<string, { listeners: readonly Listener[]; ready: Promise<unknown> }>();
  const reconnectListeners: (() => void)[] = [];
  let wasReady = subscriber.status === 'ready';

  subscriber.on('message', (channel: string, payload: string) => {
    const entry = channels.get(channel);
    if (!entry) return;
    const event = JSON.parse(payload) as InvocationEvent;
    for (const listener of entry.listeners) listener(event);
  });
  subscriber.on('ready', () => {
    if (wasReady) for (const listener of reconnectListeners) listener();
    wasReady = true;
  });

  return {
    async open(conversationId, listener) {
      const channel = eventsChannel(conversationId);
      let entry = channels.get(channel);
      if (!entry) {
        entry = { listeners: [], ready: subscriber.subscribe(channel) };
        channels.set(channel, entry);
      }
      entry.listeners = [...entry.listeners, listener];
      const close = () => {
        const others = entry.listeners.filter((each) => each !== listener);
        if (others.length === entry.listeners.length) return;
        entry.listeners = others;
        if (others.length > 0 || channels.get(channel) !== entry) return;
        channels.delete(channel);
        subscriber.unsubscribe(channel).catch(() => {}); // the connection is gone, and the subscription with it
      };
      try {
        await entry.ready;
      } catch (error) {
        close();
        throw error;
      }
      return { close };
    },
    onReconnect: (listener) => void reconnectListeners.push(listener),
    size: () => channels.size,
  };
}
