import { Cluster, type Redis as Single } from 'ioredis';
import { ownersOf } from './open-redis-cluster.ts';
import type { Redis } from './redis-connection.ts';

/** Resolves when Redis answers; of a cluster, when each node that owns slots serves them. */
export async function pingRedis(redis: Redis): Promise<void> {
  if (!(redis instanceof Cluster)) return void (await redis.ping());
  if (redis.status !== 'ready') throw new Error(`the cluster is not ready: ${redis.status}`);
  await Promise.all(ownersOf(redis).map(assertServes));
}

/** A node answers a ping also while it refuses everything that has a key. */
async function assertServes(node: Single | null): Promise<void> {
  if (!node) throw new Error('a node is away');
  if (String(await node.cluster('INFO')).includes('cluster_state:fail')) throw new Error('the cluster is down');
}

/** Whether it looks as if commands would be answered, without asking. */
export function isRedisReady(redis: Redis): boolean {
  if (!(redis instanceof Cluster)) return redis.status === 'ready';
  // "wait": nothing was asked of the node yet.
  return redis.status === 'ready' && ownersOf(redis).every((node) => node && /^(ready|wait)$/.test(node.status));
}
