import { type FeedEvent, parseEvent } from '../events/event-json.ts';
import { eventsChannel } from '../events/event-log-names.ts';
import type { Redis } from '../redis/redis-connection.ts';

/** An object, not a function, to save memory: there may be one per conversation, and its owner is an object already. */
export type EventListener = { hear(event: FeedEvent): void };

export type EventSubscriptions = {
  /** Resolves once Redis delivers the conversation's events to the listener. */
  open(conversationId: string, listener: EventListener): Promise<void>;
  /** Ends the listener's subscription. A second call has no effect. */
  close(conversationId: string, listener: EventListener): void;
  /** The listener is called each time the connection is back. It has missed what was published meanwhile. */
  onReconnect(listener: () => void): void;
  /** The number of conversations with a subscription now. */
  size(): number;
};

/** `ready` is null after Redis has acknowledged the subscription. */
type Channel = { listeners: readonly EventListener[]; ready: Promise<unknown> | null };

/** One Redis subscription per conversation and process, for any number of listeners. It ends with the last of them. */
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
    if (wasReady) void notifyReconnected();
    wasReady = true;
  });

  /**
   * Waits until Redis has taken the subscriptions, which were sent before this ping. From then on an event is in a later read, or arrives. If the
   * connection breaks before that, the client sends the ping again after the subscriptions of the next connection.
   */
  async function notifyReconnected(): Promise<void> {
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
      () => {}, // those who wait for it get the error
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
