import { scopes } from '@nexus/common/principals/scope';
import { z } from 'zod';
import { id, text } from '../http/parse-input.ts';

const maxAgents = 100;
const maxGraceSeconds = 30 * 24 * 3_600;

const expectedScopes = `expected some of ${scopes.join(', ')}`;
const name = text(200).min(1, 'must not be empty');

export const newKey = z.strictObject({
  name,
  scopes: z.array(z.enum(scopes, expectedScopes)).min(1, expectedScopes),
  agentIds: z.array(id()).max(maxAgents).default([]).describe('The agents that it may ask; empty: all'),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'expected a time, as in 2027-01-31T12:00:00Z' })
    .refine((time) => Date.parse(time) > Date.now(), 'must be in the future')
    .nullable()
    .default(null),
});

export const keyPatch = z.strictObject({ name });

export const rotateBody = z.strictObject({
  graceSeconds: z
    .number()
    .int()
    .min(0)
    .max(maxGraceSeconds)
    .default(0)
    .describe('How long the secret before this one stays good'),
});
