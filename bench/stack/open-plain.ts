import { serviceFlags } from '../../scripts/start/open-service.ts';
import { openProcess } from '../processes/open-process.ts';
import type { Server } from './open-servers.ts';
import type { Release } from './releases.ts';
import type { Roles } from './roles.ts';

export type Plain = { apiUrl: string; gatewayUrl: string; redis: Server; roles: Roles };

/** The baseline: the same three processes with the same settings, on a Redis of its own that is set up alike. */
export async function openPlain(
  parts: { redis: Server; providerUrl: string; concurrency: number },
  release: Release,
): Promise<Plain> {
  const env = {
    REDIS_URL: parts.redis.url,
    OPENAI_BASE_URL: parts.providerUrl,
    WORKER_CONCURRENCY: String(parts.concurrency),
  };
  async function open(name: string) {
    const opened = await openProcess<{ url: string }>(`plain ${name}`, `bench/baselines/plain/${name}.ts`, {
      env,
      flags: serviceFlags,
    });
    release(opened.stop);
    return opened;
  }
  const worker = await open('worker');
  const api = await open('api');
  const gateway = await open('gateway');
  return {
    apiUrl: api.ready.url,
    gatewayUrl: gateway.ready.url,
    redis: parts.redis,
    roles: { api: [api.pid], worker: [worker.pid], gateway: [gateway.pid], redis: [parts.redis.pid] },
  };
}
