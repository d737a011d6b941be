import { Cluster } from 'ioredis';
import { AppError } from '../errors/app-error.ts';
import type { Redis } from './redis-connection.ts';

/**
 * Refuses a Redis that would lose data: older than 7 (it has no `0-*` ids), with a policy that evicts keys, or a node of a cluster without
 * REDIS_CLUSTER=on. In a cluster it asks every node that answers, also replicas, because a replica may become a master.
 */
export async function assertRedisFits(redis: Redis): Promise<void> {
  if (!(redis instanceof Cluster)) return assertFits(await redis.info(), false);
  const answers = await Promise.allSettled(redis.nodes().map((node) => node.info()));
  for (const answer of answers) if (answer.status === 'fulfilled') assertFits(answer.value, true);
}

function assertFits(info: string, cluster: boolean): void {
  const problem = problemOf(info, cluster);
  if (problem) throw new AppError('configuration_invalid', `REDIS_URL: ${problem}`);
}

function problemOf(info: string, cluster: boolean): string | null {
  const version = /redis_version:(\d+)\.(\S+)/.exec(info);
  if (version && Number(version[1]) < 7)
    return `Redis ${version[1]}.${version[2]} is too old; Agent Nexus needs 7 or newer`;
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction')
    return `Redis has maxmemory-policy ${policy} and would drop jobs when full; set it to noeviction`;
  if (!cluster && /cluster_enabled:1/.test(info)) return 'is a node of a Redis Cluster; set REDIS_CLUSTER=on';
  return null;
}
