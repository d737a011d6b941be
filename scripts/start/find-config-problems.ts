import { toAppError } from '@nexus/common/app-error';
import { type ApiConfig, readApiConfig } from '../../services/api/src/api-config.ts';
import { type GatewayConfig, readGatewayConfig } from '../../services/gateway/src/gateway-config.ts';
import { readWorkerConfig, type WorkerConfig } from '../../services/worker/src/worker-config.ts';

/** Where there is none yet, a local one is going to be started. */
const toCome = { DATABASE_URL: 'postgresql://127.0.0.1/nexus', REDIS_URL: 'redis://127.0.0.1' };

export type ServiceConfigs = { api: ApiConfig; gateway: GatewayConfig; worker: WorkerConfig };

/** The environment as the services are going to find it, as far as can be told before the stores are there. */
export function withLocalStores(): NodeJS.ProcessEnv {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value?.trim() !== ''));
  const missing = Object.entries(toCome).filter(([name]) => given[`${name}_FILE`] === undefined);
  return { ...Object.fromEntries(missing), ...given };
}

/** The services' configurations, as far as they fit, and what is wrong with the variables of any, a line each. */
export function findConfigProblems(): { configs: Partial<ServiceConfigs>; problems: string[] } {
  const environment = withLocalStores();
  const problems = new Set<string>();
  const attempt = <C>(read: (environment: NodeJS.ProcessEnv) => C): C | undefined => {
    try {
      return read(environment);
    } catch (error) {
      for (const line of toAppError(error).message.split('\n').slice(1)) problems.add(line.trim());
      return undefined;
    }
  };
  const configs = {
    api: attempt(readApiConfig),
    gateway: attempt(readGatewayConfig),
    worker: attempt(readWorkerConfig),
  };
  return { configs: configs as Partial<ServiceConfigs>, problems: [...problems] };
}
