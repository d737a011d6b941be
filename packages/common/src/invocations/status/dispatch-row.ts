import type { Dispatch } from '../../queue/invocation-queue.ts';

/** Where an invocation goes next, as a statement's columns. */
export type DispatchRow = Dispatch & { conversationId: string };
