import { providerNames } from '@nexus/common/queue/provider-name';
import { z } from 'zod';
import { shownId, shownTime } from '../http/output-fields.ts';

export const shownAgent = z
  .strictObject({
    id: shownId(),
    name: z.string(),
    slug: z.string().nullable().describe('For URLs, and for `model` in the protocols of OpenAI'),
    description: z.string(),
    avatar: z.string(),
    provider: z.enum(providerNames as [string, ...string[]]),
    connectionId: shownId().nullable().describe("null: the provider's default"),
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
    allowOverrides: z.boolean().describe('Whether `overrides` may replace every setting without the scope `manage`'),
    active: z.boolean(),
    createdAt: shownTime(),
    updatedAt: shownTime(),
  })
  .meta({ id: 'Agent' });
