import { invocationStatuses } from '@nexus/protocol/invocation-status';
import { multitaskStrategies } from '@nexus/protocol/multitask-strategy';
import { z } from 'zod';
import { settingFields } from '../agents/agent-input.ts';
import { pageFields } from '../http/page.ts';
import { customerName, id, text } from '../http/parse-input.ts';

export const maxMessageLength = 100_000;
const maxMetadataLength = 16_384;
const maxWaitSeconds = 60;
const maxDeadlineMs = 7 * 24 * 3_600_000;

/** As JSON writes them, not preceded by a backslash that is itself escaped: Postgres cannot store these in a document. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

export const metadata = z
  .record(z.string(), z.unknown(), 'expected an object')
  .refine(
    (value) => JSON.stringify(value).length <= maxMetadataLength,
    `expected at most ${maxMetadataLength} characters of JSON`,
  )
  .refine(
    (value) => !unstorable.test(JSON.stringify(value)),
    'must not contain the NUL character or half a surrogate pair, in keys or values',
  );

const overrides = z.strictObject(settingFields).partial();

const expectedDeadline = `expected a whole number of milliseconds from 1 to ${maxDeadlineMs}`;

export const newInvocation = z.strictObject({
  agentId: id(),
  message: text(maxMessageLength).refine((value) => value.trim() !== '', 'must not be empty'),
  conversationId: id().optional(),
  multitaskStrategy: z
    .enum(multitaskStrategies, `expected one of ${multitaskStrategies.join(', ')}`)
    .default('enqueue'),
  metadata: metadata.default({}),
  overrides: overrides.default({}),
  deadlineMs: z
    .number(expectedDeadline)
    .int(expectedDeadline)
    .min(1, expectedDeadline)
    .max(maxDeadlineMs, expectedDeadline)
    .optional(),
  userId: customerName('your end user').optional(),
});

/** The draft's key: a printable string; ours has up to 255 characters. */
export const idempotencyKey = z.strictObject({
  'Idempotency-Key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'expected 1 to 255 printable ASCII characters without spaces')
    .optional(),
});

export const listInvocations = z.strictObject({
  ...pageFields,
  status: z.enum(invocationStatuses, `expected one of ${invocationStatuses.join(', ')}`).optional(),
  agentId: id().optional(),
  conversationId: id().optional(),
  userId: customerName('your end user').optional(),
});

const expectedWait = `expected a number of seconds from 0 to ${maxWaitSeconds}`;

export const readQuery = z.strictObject({
  wait: z.coerce.number(expectedWait).min(0, expectedWait).max(maxWaitSeconds, expectedWait).default(0),
});

const seq = z.coerce
  .number('expected a seq: a whole number from 0')
  .int('expected a seq: a whole number from 0')
  .min(0, 'expected a seq: a whole number from 0')
  .max(Number.MAX_SAFE_INTEGER);

export const eventsQuery = z.strictObject({ after: seq.optional() });
export const lastEventId = z.strictObject({ 'Last-Event-ID': seq.optional() });

export const cancelBody = z.strictObject({});
