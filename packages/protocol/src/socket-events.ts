import type { ErrorCode } from './error-codes.ts';
import type { InvocationEvent } from './event.ts';
import type { FieldError } from './field-error.ts';
import type { InvocationStatus } from './invocation-status.ts';

export type SocketError = { code: ErrorCode; message: string; fields?: FieldError[] };

/** The gateway acknowledges every request, with the result or with an error. */
export type Acknowledgement<T> = (answer: { data: T } | { error: SocketError }) => void;

/** The maximum number of cursors in one subscribe request. */
export const maxCursors = 100;

/** `cursors` has the last seq that the client has seen, for each invocation. 0 asks for all its events, even if it is over. */
export type SubscribeRequest = { conversationId: string; cursors?: Record<string, number> };
export type UnsubscribeRequest = { conversationId: string };
export type RenewRequest = { token: string };
export type CancelRequest = { invocationId: string };

export type SubscribedInvocation = { id: string; status: InvocationStatus; lastSeq: number };

export type ClientToServerEvents = {
  'conversation:subscribe': (
    request: SubscribeRequest,
    acknowledge: Acknowledgement<{ invocations: SubscribedInvocation[] }>,
  ) => void;
  'conversation:unsubscribe': (request: UnsubscribeRequest, acknowledge: Acknowledgement<null>) => void;
  /** Takes a token in place of the one that is about to expire, without connecting again. */
  'connection:renew': (request: RenewRequest, acknowledge: Acknowledgement<null>) => void;
  'invocation:cancel': (request: CancelRequest, acknowledge: Acknowledgement<{ status: InvocationStatus }>) => void;
};

/** The socket message that carries an invocation's events. */
export const eventName = 'invocation:event' satisfies keyof ServerToClientEvents;

export type ServerToClientEvents = {
  'connection:ready': (greeting: { socketId: string }) => void;
  /** The token of this socket expires then: renew it, or the gateway ends the connection. */
  'connection:expiring': (notice: { at: string }) => void;
  'invocation:event': (event: InvocationEvent) => void;
  /** The gateway lost the subscription because Redis or Postgres is away. Subscribe again with your cursors. */
  'conversation:interrupted': (notice: { conversationId: string; error: SocketError }) => void;
};
