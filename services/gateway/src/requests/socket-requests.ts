import { maxCursors } from '@nexus/protocol/socket-events';
import { z } from 'zod';

const id = z.uuid('expected a UUID').toLowerCase();
const seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const subscribeRequest = z.strictObject({
  conversationId: id,
  cursors: z
    .record(id, seq)
    .refine((cursors) => Object.keys(cursors).length <= maxCursors, `expected at most ${maxCursors} cursors`)
    .default({}),
});
export const unsubscribeRequest = z.strictObject({ conversationId: id });
/** Longer than any token of ours. */
const maxTokenLength = 4_096;

export const renewRequest = z.strictObject({ token: z.string().max(maxTokenLength) });
export const cancelRequest = z.strictObject({ invocationId: id });
