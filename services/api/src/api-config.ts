import {
  accessFields,
  always,
  checkTogether,
  connectionFields,
  sharedFields,
  tracingFields,
} from '@nexus/common/config/config-fields';
import { parseConfig } from '@nexus/common/config/parse-config';
import { host, port } from '@nexus/common/config/setting-kinds';
import { withPasswords } from '@nexus/common/config/with-passwords';
import { z } from 'zod';

export const apiConfigSchema = z.object({
  ...sharedFields,
  ...accessFields,
  ...connectionFields,
  ...tracingFields,
  API_HOST: host(),
  API_PORT: port(3001),
  /** Switches Bull Board on at /admin/queues, for the user admin. */
  ADMIN_PASSWORD: z.string().min(12, 'expected at least 12 characters').optional(),
});

export type ApiConfig = z.infer<typeof apiConfigSchema>;

export function readApiConfig(environment: NodeJS.ProcessEnv): ApiConfig {
  const config = parseConfig(apiConfigSchema.superRefine(checkTogether, always), environment);
  return withPasswords(config);
}
