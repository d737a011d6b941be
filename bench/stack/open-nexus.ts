import { deployMigrations } from '../../prisma/migrate.ts';
import { seed } from '../../prisma/seed.ts';
import { freePort } from '../../scripts/local-stack/free-port.ts';
import { type OpenService, openService, type ServiceSpec } from '../../scripts/start/open-service.ts';
import type { Server } from './open-servers.ts';
import type { Release } from './releases.ts';
import type { Roles } from './roles.ts';

export type Nexus = {
  apiUrl: string;
  gatewayUrl: string;
  roles: Roles;
  postgres: Server;
  redis: Server;
  /** One more worker; the caller may stop it before the rest. */
  addWorker(): Promise<OpenService>;
};

/** The system as `npm start` runs it: one API, one worker, one gateway, started by the same function. */
export async function openNexus(
  parts: { postgres: Server; redis: Server; providerUrl: string; concurrency: number },
  release: Release,
): Promise<Nexus> {
  await deployMigrations(parts.postgres.url);
  await seed(parts.postgres.url, { withEcho: true });
  const env = {
    DATABASE_URL: parts.postgres.url,
    REDIS_URL: parts.redis.url,
    OPENAI_API_KEY: 'none',
    OPENAI_BASE_URL: parts.providerUrl,
    WORKER_CONCURRENCY: String(parts.concurrency),
  };

  async function open(service: ServiceSpec['service']): Promise<{ opened: OpenService; url: string }> {
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
    return { opened, url: `http://127.0.0.1:${port}` };
  }

  const worker = await open('worker');
  const api = await open('api');
  const gateway = await open('gateway');
  const workers = [worker.opened.pid];
  return {
    apiUrl: api.url,
    gatewayUrl: gateway.url,
    roles: {
      api: [api.opened.pid],
      worker: workers,
      gateway: [gateway.opened.pid],
      postgres: [parts.postgres.pid],
      redis: [parts.redis.pid],
    },
    postgres: parts.postgres,
    redis: parts.redis,
    async addWorker() {
      const { opened } = await open('worker');
      workers.push(opened.pid);
      void opened.exited.then(() => workers.splice(workers.indexOf(opened.pid), 1));
      return opened;
    },
  };
}
