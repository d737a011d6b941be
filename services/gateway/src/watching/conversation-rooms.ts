import type { FeedEvent } from '@nexus/common/events/event-json';
import type { ConversationFeed } from '@nexus/common/feeds/conversation-feed';
import type { ConversationFeeds, HeldFeed } from '@nexus/common/feeds/conversation-feeds';
import type { EventListener } from '@nexus/common/feeds/event-subscriptions';

type Broadcast = (room: string, event: FeedEvent) => void;

/** What all sockets share that watch a conversation. A class, because there are many. */
export class Room implements EventListener {
  readonly conversationId: string;
  /** Its name in Socket.IO. */
  readonly name: string;
  readonly #held: HeldFeed;
  readonly #broadcast: Broadcast;
  holders = 0;

  constructor(conversationId: string, held: HeldFeed, broadcast: Broadcast) {
    this.conversationId = conversationId;
    this.name = `conversation:${conversationId}`;
    this.#held = held;
    this.#broadcast = broadcast;
    held.feed.addListener(this);
  }

  get feed(): ConversationFeed {
    return this.#held.feed;
  }

  hear(event: FeedEvent): void {
    this.#broadcast(this.name, event);
  }

  close(): void {
    this.feed.removeListener(this);
    this.#held.close();
  }
}

export type ConversationRooms = {
  /** Opens the conversation's room. Until every `open` has its `leave`, the feed's live events go to the sockets in the room. */
  open(conversationId: string, signal: AbortSignal): Promise<Room>;
  /** Call it once for each `open`. */
  leave(room: Room): void;
};

/** One listener per conversation and process, however many sockets watch. So an event is encoded once for all of them. */
export function createConversationRooms(
  feeds: Pick<ConversationFeeds, 'open'>,
  broadcast: Broadcast,
): ConversationRooms {
  const rooms = new Map<string, Room>();

  return {
    async open(conversationId, signal) {
      const held = await feeds.open(conversationId, signal);
      let room = rooms.get(conversationId);
      if (room) held.close();
      else {
        room = new Room(conversationId, held, broadcast);
        rooms.set(conversationId, room);
      }
      room.holders += 1;
      return room;
    },
    leave(room) {
      room.holders -= 1;
      if (room.holders > 0) return;
      rooms.delete(room.conversationId);
      room.close();
    },
  };
}
