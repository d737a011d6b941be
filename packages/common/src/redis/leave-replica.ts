import { createRequire } from 'node:module';
import type { Redis, RedisOptions } from 'ioredis';

/** How ioredis connects to one server. The package does not export it by name, and `import` gives it in another shape in Vitest than in Node. */
const { default: StandaloneConnector } = createRequire(import.meta.url)(
  'ioredis/built/connectors/StandaloneConnector.js',
) as typeof import('ioredis/built/connectors/StandaloneConnector.js');

/**
 * After a failover behind one address, the old connections stay on the node that was the primary. As a replica it refuses writes, answers reads,
 * and may get nothing new. Such a connection is ended, since the next one goes to the node that has the address by now.
 */

/** How long a connection that only reads or listens may stay on a demoted node. */
const lookEveryMs = 2_000;

/** How a replica refuses a write, and everything when it has lost its primary and may not answer with old data. */
const refusal = /^(?:READONLY|MASTERDOWN)\b/;

/** Whether a command had no effect because the node is a replica. */
export function isReplicaRefusal(error: Error): boolean {
  return refusal.test(error.message);
}

/** For ioredis' option `Connector`: a connection to a replica never becomes ready. ioredis ends it and tries again. */
export function createPrimaryConnector(onReplica: () => void): NonNullable<RedisOptions['Connector']> {
  return class PrimaryConnector extends StandaloneConnector {
    constructor(options: unknown) {
      super(options as ConstructorParameters<typeof StandaloneConnector>[0]);
    }

    override check(info: { role?: string }): boolean {
      if (info.role !== 'slave') return true; // unknown where the user may not ask
      onReplica();
      return false;
    }
  };
}

/** Ends a connection that only reads or listens once its node is a replica: no refusal tells of that. Returns how to stop. */
export function leaveReplica(redis: Redis): () => void {
  const timer = setInterval(() => void leaveOnce(redis), lookEveryMs).unref();
  return () => clearInterval(timer);
}

/** A subscriber can ask too, over RESP3. Over RESP2, or without the permission for INFO, the connection stays. */
async function leaveOnce(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return;
  const info = await redis.info('replication').catch(() => '');
  if (/^role:slave/m.test(info) && redis.status === 'ready') redis.disconnect(true);
}
