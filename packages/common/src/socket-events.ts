import { z } from 'zod';
import type { FieldError } from './errors/app-error.ts';
import type { ErrorCode } from './errors/error-codes.ts';
import type { InvocationEvent } from './events/event.ts';
import type { InvocationStatus } from './invocations/invocation.ts';

export type SocketError = { code: ErrorCode; message: string; fields?: FieldError[] };

/** Every request is answered: with what was asked for, or with why not. */
export type Acknowledgement<T> = (answer: { data: T } | { error: SocketError }) => void;

/** In one subscription. */
export const mostCursors = 100;

const id = z.uuid('expected a UUID').toLowerCase();
const seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** `cursors` names, for each invocation, the seq that the client has seen; 0 asks for it from the start, even when it is over. */
export const subscribeRequest = z.strictObject({
  conversationId: id,
  cursors: z
    .record(id, seq)
    .refine((cursors) => Object.keys(cursors).length <= mostCursors, `expected at most ${mostCursors} cursors`)
    .default({}),
});
export type SubscribeRequest = z.input<typeof subscribeRequest>;

export const unsubscribeRequest = z.strictObject({ conversationId: id });
export const cancelRequest = z.strictObject({ invocationId: id });

export type SubscribedInvocation = { id: string; status: InvocationStatus; lastSeq: number };

export type ClientToServerEvents = {
  'conversation:subscribe': (
    request: SubscribeRequest,
    acknowledge: Acknowledgement<{ invocations: SubscribedInvocation[] }>,
  ) => void;
  'conversation:unsubscribe': (request: z.input<typeof unsubscribeRequest>, acknowledge: Acknowledgement<null>) => void;
  'invocation:cancel': (
    request: z.input<typeof cancelRequest>,
    acknowledge: Acknowledgement<{ status: InvocationStatus }>,
  ) => void;
};

/** The event that carries what happens in an invocation. */
export const eventName = 'invocation:event' satisfies keyof ServerToClientEvents;

export type ServerToClientEvents = {
  'connection:ready': (greeting: { socketId: string }) => void;
  'invocation:event': (event: InvocationEvent) => void;
  /** The subscription was lost on our side (Redis or Postgres is away): subscribe again with your cursors. */
  'conversation:interrupted': (notice: { conversationId: string; error: SocketError }) => void;
};
