import { providerNames } from '@nexus/common/queue/provider-name';
import { type ErrorCode, errorMeanings } from '@nexus/protocol/error-codes';
import { z } from 'zod';
import { shownId, shownTime } from '../http/output-fields.ts';

const lastFour = z.string().describe('How the key ends; empty for one of less than twelve characters');

export const shownConnection = z
  .strictObject({
    id: shownId(),
    name: z.string(),
    provider: z.enum(providerNames as [string, ...string[]]),
    baseUrl: z.string().nullable().describe('null: the provider is built in'),
    headerNames: z.array(z.string()),
    keys: z.array(z.strictObject({ id: shownId(), lastFour })),
    concurrency: z.number().int().nullable(),
    ratePerMinute: z.number().int().nullable(),
    createdAt: shownTime(),
    updatedAt: shownTime(),
  })
  .meta({ id: 'Connection' });

export const shownModel = z
  .strictObject({ id: z.string().describe("For an agent's `model`") })
  .meta({ id: 'ProviderModel' });

export const shownTest = z
  .strictObject({
    ok: z.boolean().describe('Whether the provider answers with its models'),
    modelCount: z.number().int().nullable(),
    answers: z
      .array(
        z.strictObject({
          keyId: shownId().nullable().describe('null: the connection has no key'),
          lastFour: lastFour.nullable(),
          ok: z.boolean(),
          status: z.number().int().nullable().describe('Of the HTTP answer; null: there was none'),
          code: z.enum(Object.keys(errorMeanings) as [ErrorCode, ...ErrorCode[]]).nullable(),
          message: z.string().nullable(),
        }),
      )
      .describe('What the provider said to each key that was tried'),
  })
  .meta({ id: 'ConnectionTest' });

/** What is read of a connection to show it: nothing that is encrypted. */
export const shownColumns = {
  omit: { workspaceId: true, headers: true },
  include: { keys: { select: { id: true, lastFour: true }, orderBy: { position: 'asc' } } },
} as const;
