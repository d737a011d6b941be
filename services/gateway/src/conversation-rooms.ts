import type { ConversationFeed } from '@nexus/common/conversation-feed';
import type { ConversationFeeds } from '@nexus/common/conversation-feeds';
import type { InvocationEvent } from '@nexus/common/event';

export type HeldRoom = { feed: ConversationFeed; close(): void };

export type ConversationRooms = {
  /** The conversation's feed; while anybody holds it, its live events go to the room. */
  open(conversationId: string, signal: AbortSignal): Promise<HeldRoom>;
};

export function roomOf(conversationId: string): string {
  return `conversation:${conversationId}`;
}

/** One listener per conversation and process, however many sockets watch: an event is encoded once for all of them. */
export function createConversationRooms(
  feeds: Pick<ConversationFeeds, 'open'>,
  broadcast: (room: string, event: InvocationEvent) => void,
): ConversationRooms {
  const rooms = new Map<string, { holders: number; stop: () => void }>();

  return {
    async open(conversationId, signal) {
      const { feed, close: letGo } = await feeds.open(conversationId, signal);
      let room = rooms.get(conversationId);
      if (!room) {
        const name = roomOf(conversationId);
        room = { holders: 0, stop: feed.onEvent((event) => broadcast(name, event)) };
        rooms.set(conversationId, room);
      }
      const held = room;
      held.holders += 1;
      let closed = false;
      return {
        feed,
        close() {
          if (closed) return;
          closed = true;
          held.holders -= 1;
          if (held.holders === 0) {
            held.stop();
            rooms.delete(conversationId);
          }
          letGo();
        },
      };
    },
  };
}
