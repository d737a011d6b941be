/** Whose room is broadcast to. */
export type FanOutAddress =
  | { kind: 'nexus'; gatewayUrl: string; redisUrl: string }
  | { kind: 'raw'; gatewayUrl: string };

/** A room for each client; the same one for all when it is to be broadcast to. */
export type OpenRooms = { rooms: string[]; invocationId?: string; lastSeq?: number };

export type BroadcastOrder = { conversationId: string; invocationId: string; events: number };
export type Broadcast = { deliveries: number; seconds: number };
