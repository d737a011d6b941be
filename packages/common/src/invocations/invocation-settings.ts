import { z } from 'zod';

/**
 * The agent's settings for one invocation, stored with it: later changes to the agent have no effect on it.
 * null leaves the choice to the provider. Timeouts in milliseconds; contextTokens bounds system prompt, history and input.
 */
export const invocationSettingsSchema = z.object({
  provider: z.string(),
  /** null: the provider's default, of the workers' environment. Missing in rows from before there were connections. */
  connectionId: z.string().nullish(),
  model: z.string(),
  systemPrompt: z.string(),
  temperature: z.number().nullable(),
  topP: z.number().nullable(),
  maxOutputTokens: z.number().int().nullable(),
  contextTokens: z.number().int(),
  firstTokenTimeoutMs: z.number().int(),
  idleTimeoutMs: z.number().int(),
  totalTimeoutMs: z.number().int(),
  onWorkerLoss: z.enum(['restart', 'fail']),
});
export type InvocationSettings = z.infer<typeof invocationSettingsSchema>;
