import { toAppError } from '@nexus/common/errors/app-error';
import { readApiConfig } from '../../services/api/src/api-config.ts';
import { readGatewayConfig } from '../../services/gateway/src/gateway-config.ts';
import { readWorkerConfig } from '../../services/worker/src/worker-config.ts';

/** Where there is none yet, a local one is going to be started. */
const toCome = { DATABASE_URL: 'postgresql://127.0.0.1/nexus', REDIS_URL: 'redis://127.0.0.1' };

/** The environment as the services are going to find it, as far as can be told before the stores are there. */
export function withLocalStores(): NodeJS.ProcessEnv {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value?.trim() !== ''));
  const missing = Object.entries(toCome).filter(([name]) => given[`${name}_FILE`] === undefined);
  return { ...Object.fromEntries(missing), ...given };
}

/** What is wrong with the variables of any service, a line each, before anything is started. */
export function findConfigProblems(): string[] {
  const environment = withLocalStores();
  const problems = [readApiConfig, readGatewayConfig, readWorkerConfig].flatMap((read) => {
    try {
      read(environment);
      return [];
    } catch (error) {
      return toAppError(error)
        .message.split('\n')
        .slice(1)
        .map((line) => line.trim());
    }
  });
  return [...new Set(problems)];
}
