import {
  accessFields,
  always,
  checkTogether,
  connectionFields,
  limitFields,
  sharedFields,
  tracingFields,
} from '@nexus/common/config/config-fields';
import { parseConfig } from '@nexus/common/config/parse-config';
import { count, host, limit, port } from '@nexus/common/config/setting-kinds';
import { withPasswords } from '@nexus/common/config/with-passwords';
import { z } from 'zod';

export const apiConfigSchema = z.object({
  ...sharedFields,
  ...accessFields,
  ...connectionFields,
  ...limitFields,
  ...tracingFields,
  API_HOST: host(),
  API_PORT: port(3001),
  /** Requests of each key. */
  RATE_LIMIT_PER_MINUTE: limit(6_000),
  MAX_AGENTS_PER_WORKSPACE: count(1_000),
  /** Keys that are neither revoked nor expired. */
  MAX_KEYS_PER_WORKSPACE: count(1_000),
  /** Switches Bull Board on at /admin/queues, for the user admin. */
  ADMIN_PASSWORD: z.string().min(12, 'expected at least 12 characters').optional(),
});

export type ApiConfig = z.infer<typeof apiConfigSchema>;

export function readApiConfig(environment: NodeJS.ProcessEnv): ApiConfig {
  const config = parseConfig(apiConfigSchema.superRefine(checkTogether, always), environment);
  return withPasswords(config);
}
