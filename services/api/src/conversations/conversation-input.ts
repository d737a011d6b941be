import { z } from 'zod';
import { pageFields } from '../http/page.ts';
import { customerName, text } from '../http/parse-input.ts';

export const listQuery = z.strictObject({ ...pageFields, userId: customerName('your end user').optional() });
/** The last position that the database's column holds. */
const lastPosition = 2_147_483_647;

const expectedPosition = `expected a position: a whole number from 0 to ${lastPosition}`;

export const messagesQuery = z.strictObject({
  limit: pageFields.limit,
  after: z.coerce
    .number(expectedPosition)
    .int(expectedPosition)
    .min(0, expectedPosition)
    .max(lastPosition, expectedPosition)
    .default(0),
});
export const newConversation = z.strictObject({
  title: text(200).default(''),
  userId: customerName('your end user').optional(),
  externalId: customerName('the conversation: a second one with it is the first').optional(),
});
export const conversationPatch = z.strictObject({ title: text(200) });
