import { Cluster, type Redis as Single } from 'ioredis';
import { ownersOf } from './open-redis-cluster.ts';
import type { Redis } from './redis-connection.ts';

/** By its first line the script may write, so a node that is a replica, is full, or cannot save refuses it. It writes nothing. */
const writeNothing = '#!lua\nreturn 1';

/** Resolves when Redis takes writes; of a cluster, when each node that owns slots does. */
export async function pingRedis(redis: Redis): Promise<void> {
  if (!(redis instanceof Cluster)) return void (await redis.eval(writeNothing, 0));
  if (redis.status !== 'ready') throw new Error(`the cluster is not ready: ${redis.status}`);
  await Promise.all(ownersOf(redis).map(assertServes));
}

/** A node runs a script without keys also while it refuses everything that has a key. */
async function assertServes(node: Single | null): Promise<void> {
  if (!node) throw new Error('a node is away');
  if (String(await node.cluster('INFO')).includes('cluster_state:fail')) throw new Error('the cluster is down');
  await node.eval(writeNothing, 0);
}

/** Whether it looks as if commands would be answered, without asking. */
export function isRedisReady(redis: Redis): boolean {
  if (!(redis instanceof Cluster)) return redis.status === 'ready';
  // "wait": nothing was asked of the node yet.
  return redis.status === 'ready' && ownersOf(redis).every((node) => node && /^(ready|wait)$/.test(node.status));
}
