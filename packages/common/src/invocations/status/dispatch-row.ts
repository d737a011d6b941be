import type { Dispatch } from '../../queue/invocation-queue.ts';

/** A dispatch as the columns of a statement. */
export type DispatchRow = Dispatch & { conversationId: string };
