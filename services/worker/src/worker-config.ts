import {
  always,
  checkTogether,
  connectionFields,
  sharedFields,
  tracingFields,
} from '@nexus/common/config/config-fields';
import { parseConfig } from '@nexus/common/config/parse-config';
import { count, host, list, milliseconds, port, wholeNumber } from '@nexus/common/config/setting-kinds';
import { withPasswords } from '@nexus/common/config/with-passwords';
import { isProviderName, type ProviderName, providerNames } from '@nexus/common/queue/provider-name';
import { z } from 'zod';
import { providerFields } from './providers/provider-config.ts';

export const workerConfigSchema = z.object({
  ...sharedFields,
  ...connectionFields,
  ...tracingFields,
  /** Whether traces contain prompts and answers. */
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: z.stringbool().default(false),
  ...providerFields,
  /** Where health and metrics are served. */
  WORKER_HOST: host(),
  WORKER_PORT: port(3003),
  WORKER_PROVIDERS: list()
    .transform((names) => names.map((name) => name.toLowerCase()))
    .refine((names) => names.length > 0 && names.every(isProviderName), `expected some of ${providerNames.join(', ')}`)
    .transform((names) => names as ProviderName[])
    .default([...providerNames]),
  WORKER_CONCURRENCY: count(50),
  SHUTDOWN_GRACE_MS: milliseconds(30_000),
  /** Under load, deltas collect for at most this long before they are published. */
  COALESCE_MAX_MS: wholeNumber(0, 1_000, 40),
});

export type WorkerConfig = z.infer<typeof workerConfigSchema>;

export function readWorkerConfig(environment: NodeJS.ProcessEnv): WorkerConfig {
  const config = parseConfig(workerConfigSchema.superRefine(checkTogether, always), environment);
  return withPasswords(config);
}
