import { type FeedEvent, parseEvent } from '../events/event-json.ts';
import { eventsChannel } from '../events/event-log-names.ts';
import type { Redis } from '../redis/redis-connection.ts';

/** An object, as there may be one per conversation: whoever listens there is one already. */
export type EventListener = { hear(event: FeedEvent): void };

export type EventSubscriptions = {
  /** Resolves once Redis delivers the conversation's events to the listener. */
  open(conversationId: string, listener: EventListener): Promise<void>;
  /** Ends what this listener has opened; twice does no harm. */
  close(conversationId: string, listener: EventListener): void;
  /** Called whenever the connection came back: what was published meanwhile is missing. */
  onReconnect(listener: () => void): void;
  /** Conversations subscribed to at present. */
  size(): number;
};

/** `ready` is null once Redis has acknowledged. */
type Channel = { listeners: readonly EventListener[]; ready: Promise<unknown> | null };

/** One Redis subscription per conversation and process, however many listen; released when the last of them leaves. */
export function createEventSubscriptions(subscriber: Redis): EventSubscriptions {
  const channels = new Map<string, Channel>();
  const reconnectListeners: (() => void)[] = [];
  let wasReady = subscriber.status === 'ready';
  let asking = false;

  subscriber.on('message', (name: string, payload: string) => {
    const channel = channels.get(name);
    if (!channel) return;
    const event = parseEvent(payload);
    for (const listener of channel.listeners) listener.hear(event);
  });
  subscriber.on('ready', () => {
    if (wasReady) void tellReconnected();
    wasReady = true;
  });

  /**
   * Once Redis has taken the subscriptions, which were sent before this: what is read from then on misses nothing that is not heard. Where the
   * connection is lost before that, the client sends this again after the next one's subscriptions.
   */
  async function tellReconnected(): Promise<void> {
    if (asking) return;
    asking = true;
    try {
      await subscriber.ping();
    } catch {
      return; // closed for good
    } finally {
      asking = false;
    }
    for (const listener of reconnectListeners) listener();
  }

  function subscribe(name: string): Channel {
    const ready = subscriber.subscribe(name);
    const channel: Channel = { listeners: [], ready };
    channels.set(name, channel);
    ready.then(
      () => {
        channel.ready = null;
      },
      () => {}, // told to those who wait for it
    );
    return channel;
  }

  function leave(name: string, channel: Channel, listener: EventListener): void {
    const others = channel.listeners.filter((each) => each !== listener);
    if (others.length === channel.listeners.length) return;
    channel.listeners = others;
    if (others.length > 0 || channels.get(name) !== channel) return;
    channels.delete(name);
    subscriber.unsubscribe(name).catch(() => {}); // the connection is gone, and the subscription with it
  }

  return {
    async open(conversationId, listener) {
      const name = eventsChannel(conversationId);
      const channel = channels.get(name) ?? subscribe(name);
      channel.listeners = [...channel.listeners, listener];
      try {
        await channel.ready;
      } catch (error) {
        leave(name, channel, listener);
        throw error;
      }
    },
    close(conversationId, listener) {
      const name = eventsChannel(conversationId);
      const channel = channels.get(name);
      if (channel) leave(name, channel, listener);
    },
    onReconnect: (listener) => void reconnectListeners.push(listener),
    size: () => channels.size,
  };
}
