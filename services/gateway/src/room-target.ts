import type { InvocationEvent } from '@nexus/common/event';
import { roomOf } from './conversation-rooms.ts';
import type { SubscriptionTarget } from './subscription.ts';

type RoomSocket = {
  emit(name: 'invocation:event', event: InvocationEvent): unknown;
  join(room: string): unknown;
  leave(room: string): unknown;
};

/** A socket and the room of one conversation. */
export class RoomTarget implements SubscriptionTarget {
  readonly #socket: RoomSocket;
  readonly #conversationId: string;

  constructor(socket: RoomSocket, conversationId: string) {
    this.#socket = socket;
    this.#conversationId = conversationId;
  }

  send(event: InvocationEvent): void {
    this.#socket.emit('invocation:event', event);
  }

  joinRoom(): void {
    void this.#socket.join(roomOf(this.#conversationId));
  }

  leaveRoom(): void {
    void this.#socket.leave(roomOf(this.#conversationId));
  }
}
