import { isLoopbackHost } from '@nexus/common/config/config-fields';
import { readVariable } from '@nexus/common/config/parse-config';

/** As in .env.example and docker-compose.yml: known to everybody. */
const examplePasswords: Record<string, string> = {
  NEXUS_POSTGRES_PASSWORD: 'example-postgres-password',
  NEXUS_REDIS_PASSWORD: 'example-redis-password',
};

/** Why this system may not be started, a line for each reason; none when it may. */
export function findObjections(environment: Record<string, string | undefined>): string[] {
  const bind = environment.NEXUS_BIND || '127.0.0.1';
  if (isLoopbackHost(bind)) return [];
  const example = Object.keys(examplePasswords).filter(
    (name) => readVariable(environment, name) === examplePasswords[name],
  );
  return example.map(
    (name) => `${name}: is still the example; beyond loopback (NEXUS_BIND=${bind}) choose one of your own`,
  );
}

if (import.meta.main) {
  const objections = findObjections(process.env);
  for (const objection of objections) console.error(objection);
  process.exitCode = objections.length > 0 ? 1 : 0;
}
