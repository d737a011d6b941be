import { deployMigrations } from '../../prisma/migrate.ts';
import { seed } from '../../prisma/seed.ts';
import { freePort } from '../../scripts/local-stack/free-port.ts';
import { openService, type ServiceSpec } from '../../scripts/start/open-service.ts';
import type { Server } from './open-servers.ts';
import type { Release } from './releases.ts';
import type { Roles } from './roles.ts';

export type Nexus = {
  apiUrl: string;
  gatewayUrl: string;
  roles: Roles;
  postgres: Server;
  redis: Server;
  addWorker(): Promise<void>;
};

type Parts = { postgres: Server; redis: Server; providerUrl: string; concurrency: number };

/** The system as `npm start` runs it: one API, one worker, one gateway, started by the same function. */
export async function openNexus(parts: Parts, release: Release): Promise<Nexus> {
  const { postgres, redis, providerUrl, concurrency } = parts;
  await deployMigrations(postgres.url);
  await seed(postgres.url, { withEcho: true });
  const env = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    NEXUS_AUTH: 'off',
    OPENAI_API_KEY: 'none',
    OPENAI_BASE_URL: providerUrl,
    WORKER_CONCURRENCY: String(concurrency),
  };

  async function open(service: ServiceSpec['service']) {
    const port = await freePort();
    const opened = openService({
      name: service,
      service,
      place: { host: '127.0.0.1', port },
      env,
      print: () => {},
      stopLimitMs: 40_000,
    });
    release(opened.stop);
    await opened.ready;
    return { pid: opened.pid, url: `http://127.0.0.1:${port}` };
  }

  const worker = await open('worker');
  const api = await open('api');
  const gateway = await open('gateway');
  return {
    apiUrl: api.url,
    gatewayUrl: gateway.url,
    roles: {
      api: [api.pid],
      worker: [worker.pid],
      gateway: [gateway.pid],
      postgres: [postgres.pid],
      redis: [redis.pid],
    },
    postgres,
    redis,
    addWorker: async () => void (await open('worker')),
  };
}
