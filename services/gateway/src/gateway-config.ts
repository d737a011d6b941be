import {
  accessFields,
  checkTogether,
  count,
  limit,
  limitFields,
  port,
  sharedFields,
} from '@nexus/common/config/config-fields';
import { parseConfig } from '@nexus/common/config/parse-config';
import { withPasswords } from '@nexus/common/config/with-passwords';
import { z } from 'zod';

export const gatewayConfigSchema = z.object({
  ...sharedFields,
  ...accessFields,
  ...limitFields,
  GATEWAY_HOST: z.string().default('127.0.0.1'),
  GATEWAY_PORT: port(3002),
  /** Connections and requests of all sockets of each key. */
  RATE_LIMIT_SOCKETS_PER_MINUTE: limit().default(60_000),
  /** Packets that may wait for one client before it is taken off live delivery. */
  GATEWAY_WRITE_BUFFER_LIMIT: count(256),
});

export type GatewayConfig = z.infer<typeof gatewayConfigSchema>;

export function readGatewayConfig(environment: NodeJS.ProcessEnv): GatewayConfig {
  const config = parseConfig(gatewayConfigSchema.superRefine(checkTogether), environment);
  return withPasswords(config);
}
