import { z } from 'zod';
import { pageFields } from '../http/page.ts';
import { text } from '../http/parse-input.ts';

export const listQuery = z.strictObject(pageFields);
/** The last position that the database's column holds. */
const lastPosition = 2_147_483_647;

export const messagesQuery = z.strictObject({
  limit: pageFields.limit,
  after: z.coerce.number().int().min(0).max(lastPosition).default(0),
});
export const newConversation = z.strictObject({ title: text(200).default('') });
export const conversationPatch = z.strictObject({ title: text(200) });
