import { z } from 'zod';
import { shownId, shownTime } from '../http/output-fields.ts';

export const shownConversation = z
  .strictObject({
    id: shownId(),
    title: z.string(),
    userId: z.string().nullable().describe('Your name for your end user'),
    externalId: z.string().nullable().describe('Your name for the conversation'),
    messageCount: z.number().int(),
    unfinishedInvocationIds: z.array(shownId()).describe('Oldest first: the first one runs, the others wait'),
    createdAt: shownTime(),
    updatedAt: shownTime(),
  })
  .meta({ id: 'Conversation' });

export const shownMessage = z
  .strictObject({
    id: shownId(),
    conversationId: shownId(),
    position: z.number().int().describe('From 1, without a gap'),
    role: z.enum(['system', 'user', 'assistant', 'tool']),
    type: z.enum(['message', 'thought', 'action']),
    content: z.string(),
    tokenCount: z.number().int().nullable(),
    agentId: shownId().nullable(),
    invocationId: shownId().nullable(),
    rolledBack: z.boolean().describe('Later invocations do not see it'),
    createdAt: shownTime(),
  })
  .meta({ id: 'Message' });
