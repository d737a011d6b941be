import { toAppError } from '@nexus/common/errors/app-error';
import { readApiConfig } from '../../services/api/src/api-config.ts';
import { readGatewayConfig } from '../../services/gateway/src/gateway-config.ts';
import { readWorkerConfig } from '../../services/worker/src/worker-config.ts';

/** `npm start` starts a local store for each of these that is not set. */
const toCome = { DATABASE_URL: 'postgresql://127.0.0.1/nexus', REDIS_URL: 'redis://127.0.0.1' };

/** The environment that the services will get. The URLs of local stores are placeholders. */
export function withLocalStores(): NodeJS.ProcessEnv {
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value?.trim() !== ''));
  const missing = Object.entries(toCome).filter(([name]) => given[`${name}_FILE`] === undefined);
  return { ...Object.fromEntries(missing), ...given };
}

/** Every bad setting of every service, a line each, before any starts. */
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
