import { z } from 'zod';

const usage = z.strictObject({
  prompt_tokens: z.number().int(),
  completion_tokens: z.number().int(),
  total_tokens: z.number().int(),
  prompt_tokens_details: z.strictObject({ cached_tokens: z.number().int() }),
  completion_tokens_details: z.strictObject({ reasoning_tokens: z.number().int() }).optional(),
});

export const chatCompletion = z
  .strictObject({
    id: z.string().describe('`chatcmpl-` and the id of the invocation'),
    object: z.literal('chat.completion'),
    created: z.number().int().describe('Seconds of the epoch'),
    model: z.string(),
    choices: z.array(
      z.strictObject({
        index: z.number().int(),
        message: z.strictObject({
          role: z.literal('assistant'),
          content: z.string(),
          refusal: z.null(),
          reasoning_content: z.string().optional(),
        }),
        logprobs: z.null(),
        finish_reason: z.enum(['stop', 'length', 'content_filter', 'tool_calls']),
      }),
    ),
    usage: usage.optional(),
  })
  .meta({ id: 'ChatCompletion' });

export const shownModel = z
  .strictObject({
    id: z.string().describe('The slug of an agent, or its id where it has none'),
    object: z.literal('model'),
    created: z.number().int(),
    owned_by: z.string(),
  })
  .meta({ id: 'Model' });

export const modelList = z.strictObject({ object: z.literal('list'), data: z.array(shownModel) });
