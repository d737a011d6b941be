import { authField, checkTogether, count, list, port, sharedFields } from '@nexus/common/config-fields';
import { parseConfig } from '@nexus/common/parse-config';
import { withPasswords } from '@nexus/common/with-passwords';
import { z } from 'zod';

export const gatewayConfigSchema = z.object({
  ...sharedFields,
  ...authField,
  GATEWAY_HOST: z.string().default('127.0.0.1'),
  GATEWAY_PORT: port(3002),
  /** Origins of browsers' pages that may connect, beside those of the gateway's own host; none by default. */
  CORS_ORIGINS: list().default([]),
  /** Packets that may wait for one client before it is taken off live delivery. */
  GATEWAY_WRITE_BUFFER_LIMIT: count(256),
});

export type GatewayConfig = z.infer<typeof gatewayConfigSchema>;

export function readGatewayConfig(environment: NodeJS.ProcessEnv): GatewayConfig {
  const config = parseConfig(gatewayConfigSchema.superRefine(checkTogether('GATEWAY_HOST')), environment);
  return withPasswords(config);
}
