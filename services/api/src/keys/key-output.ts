import { scopes } from '@nexus/common/principals/scope';
import { z } from 'zod';
import { shownId, shownTime } from '../http/output-fields.ts';

const keyFields = {
  id: shownId(),
  name: z.string(),
  lastFour: z.string().describe('How its token ends'),
  scopes: z.array(z.enum(scopes)),
  agentIds: z.array(shownId()),
  createdById: shownId().nullable().describe('The key that made it, with which it ends'),
  expiresAt: shownTime().nullable(),
  revokedAt: shownTime().nullable(),
  lastUsedAt: shownTime().nullable().describe('To the minute'),
  createdAt: shownTime(),
};

export const shownKey = z.strictObject(keyFields).meta({ id: 'Key' });

export const shownNewKey = z
  .strictObject({ ...keyFields, token: z.string().describe('Shown this once') })
  .meta({ id: 'NewKey' });
