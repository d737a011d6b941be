import { type ProviderName, providerNames } from '@nexus/common/queue/provider-name';
import { z } from 'zod';
import { id, text } from '../http/parse-input.ts';
import { slugPattern } from './agent-slug.ts';

const timeoutMs = z.number().int().min(1_000).max(3_600_000);

/** Settings that an agent has and one invocation may override. */
export const settingFields = {
  model: text(200).min(1, 'must not be empty'),
  systemPrompt: text(50_000),
  temperature: z.number().min(0).max(2).nullable(),
  topP: z.number().gt(0).max(1).nullable(),
  maxOutputTokens: z.number().int().min(1).max(1_000_000).nullable(),
  contextTokens: z.number().int().min(256).max(2_000_000),
  firstTokenTimeoutMs: timeoutMs,
  idleTimeoutMs: timeoutMs,
  totalTimeoutMs: timeoutMs,
};

const agentFields = {
  ...settingFields,
  name: text(200).min(1, 'must not be empty'),
  slug: z
    .string()
    .max(60, 'expected at most 60 characters')
    .regex(slugPattern, 'expected lower case letters, digits and single hyphens'),
  description: text(2_000),
  avatar: text(200),
  provider: z.enum(providerNames as [ProviderName, ...ProviderName[]], `expected one of ${providerNames.join(', ')}`),
  connectionId: id().nullable().describe("A connection of the agent's provider; null: the provider's default"),
  onWorkerLoss: z.enum(['restart', 'fail']),
  allowOverrides: z.boolean(),
  active: z.boolean(),
};

/** Everything may change; nothing has to. */
export const agentPatch = z.strictObject(agentFields).partial();

/** Only these have to be given; the rest has the database's defaults. */
export const newAgent = agentPatch.required({ name: true, provider: true, model: true });
