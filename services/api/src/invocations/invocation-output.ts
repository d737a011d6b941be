import { providerNames } from '@nexus/common/queue/provider-name';
import { errorMeanings } from '@nexus/protocol/error-codes';
import { invocationStatuses } from '@nexus/protocol/invocation-status';
import { multitaskStrategies } from '@nexus/protocol/multitask-strategy';
import { z } from 'zod';
import { shownId, shownTime } from '../http/output-fields.ts';

const status = z.enum(invocationStatuses);
const provider = z.enum(providerNames as [string, ...string[]]);
const errorCode = z.enum(Object.keys(errorMeanings) as [string, ...string[]]);

export const acceptedInvocation = z
  .strictObject({
    id: shownId(),
    conversationId: shownId(),
    agentId: shownId().nullable(),
    status,
    createdAt: shownTime(),
    eventsUrl: z.string(),
  })
  .meta({ id: 'AcceptedInvocation' });

const usage = z
  .strictObject({
    attempt: z.number().int(),
    inputTokens: z.number().int(),
    outputTokens: z.number().int(),
    cachedTokens: z.number().int(),
    source: z.enum(['provider', 'estimated']),
    costMicroUsd: z.number().int().nullable().describe('Millionths of a US dollar; null where no price is known'),
    priceTableVersion: z.string().nullable(),
  })
  .meta({ id: 'Usage' });

const listedFields = {
  id: shownId(),
  conversationId: shownId(),
  agentId: shownId().nullable(),
  userId: z.string().nullable(),
  status,
  provider,
  model: z.string(),
  attempt: z.number().int().describe('How many workers took it so far'),
  multitaskStrategy: z.enum(multitaskStrategies),
  rolledBack: z.boolean(),
  metadata: z.record(z.string(), z.unknown()),
  inputMessageId: shownId(),
  outputMessageId: shownId().nullable(),
  createdAt: shownTime(),
  enqueuedAt: shownTime().nullable(),
  startedAt: shownTime().nullable(),
  firstTokenAt: shownTime().nullable(),
  finishedAt: shownTime().nullable(),
  cancelRequestedAt: shownTime().nullable(),
  deadlineAt: shownTime().nullable(),
  finishReason: z.string().nullable(),
  lastSeq: z.number().int(),
  error: z.strictObject({ code: errorCode, message: z.string(), retryable: z.boolean() }).nullable(),
  usage: z.array(usage).describe('One record for each attempt that reached the provider'),
};

export const listedInvocation = z.strictObject(listedFields).meta({ id: 'ListedInvocation' });

export const shownInvocation = z
  .strictObject({
    ...listedFields,
    output: z.string().nullable().describe('The text of the answer, once it is stored'),
    workersOnline: z.number().int().optional().describe('While it is queued: how many workers could take it'),
  })
  .meta({ id: 'Invocation' });

export const shownEvent = z
  .looseObject({
    conversationId: shownId(),
    invocationId: shownId(),
    seq: z.number().int(),
    type: z.string(),
    at: shownTime(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event', description: 'See docs/protocol.md for the data of each type' });
