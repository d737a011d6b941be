import { accessFields, always, checkTogether, sharedFields } from '@nexus/common/config/config-fields';
import { parseConfig } from '@nexus/common/config/parse-config';
import { count, host, port } from '@nexus/common/config/setting-kinds';
import { withPasswords } from '@nexus/common/config/with-passwords';
import { z } from 'zod';

export const gatewayConfigSchema = z.object({
  ...sharedFields,
  ...accessFields,
  GATEWAY_HOST: host(),
  GATEWAY_PORT: port(3002),
  /** How many packets may wait for one client before live delivery to it stops. */
  GATEWAY_WRITE_BUFFER_LIMIT: count(256),
});

export type GatewayConfig = z.infer<typeof gatewayConfigSchema>;

export function readGatewayConfig(environment: NodeJS.ProcessEnv): GatewayConfig {
  const config = parseConfig(gatewayConfigSchema.superRefine(checkTogether, always), environment);
  return withPasswords(config);
}
