import { serviceFlags } from '../../scripts/start/open-service.ts';
import { openProcess } from '../processes/open-process.ts';
import type { Server } from './open-servers.ts';
import type { Release } from './releases.ts';
import type { Roles } from './roles.ts';

export type Plain = { apiUrl: string; gatewayUrl: string; roles: Roles };

/** The baseline: the same three processes with the same settings, and a Redis of its own that is set up alike. */
export async function openPlain(
  { redis, providerUrl, concurrency }: { redis: Server; providerUrl: string; concurrency: number },
  release: Release,
): Promise<Plain> {
  const env = { REDIS_URL: redis.url, OPENAI_BASE_URL: providerUrl, WORKER_CONCURRENCY: String(concurrency) };
  async function open(name: string) {
    const file = `bench/baselines/plain/${name}.ts`;
    const opened = await openProcess<{ url: string }>(`plain ${name}`, file, { env, flags: serviceFlags });
    release(opened.stop);
    return opened;
  }
  const worker = await open('worker');
  const api = await open('api');
  const gateway = await open('gateway');
  return {
    apiUrl: api.ready.url,
    gatewayUrl: gateway.ready.url,
    roles: { api: [api.pid], worker: [worker.pid], gateway: [gateway.pid], redis: [redis.pid] },
  };
}
