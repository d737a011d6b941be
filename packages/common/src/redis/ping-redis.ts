import { Cluster, type Redis as Single } from 'ioredis';
import { ownersOf } from './open-redis-cluster.ts';
import type { Redis } from './redis-connection.ts';

/** The first line declares a script that may write. A node that is a replica, is full, or cannot save refuses it. It writes nothing. */
const writeNothing = '#!lua\nreturn 1';

/** Resolves if Redis takes writes. In a cluster each node that owns slots must take them. */
export async function pingRedis(redis: Redis): Promise<void> {
  if (!(redis instanceof Cluster)) return void (await redis.eval(writeNothing, 0));
  if (redis.status !== 'ready') throw new Error(`the cluster is not ready: ${redis.status}`);
  await Promise.all(ownersOf(redis).map(assertServes));
}

/** A node runs a script without keys even while it refuses every command with a key, so ask for the cluster's state too. */
async function assertServes(node: Single | null): Promise<void> {
  if (!node) throw new Error('a node is away');
  if (String(await node.cluster('INFO')).includes('cluster_state:fail')) throw new Error('the cluster is down');
  await node.eval(writeNothing, 0);
}

/** Whether Redis seems ready, without a command to it. */
export function isRedisReady(redis: Redis): boolean {
  if (!(redis instanceof Cluster)) return redis.status === 'ready';
  // "wait": no command has gone to the node yet.
  return redis.status === 'ready' && ownersOf(redis).every((node) => node && /^(ready|wait)$/.test(node.status));
}
