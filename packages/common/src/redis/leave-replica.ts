import { createRequire } from 'node:module';
import type { Redis, RedisOptions } from 'ioredis';

/** ioredis' connector for one server. The package does not export it by name, and `import` returns another shape in Vitest than in Node. */
const { default: StandaloneConnector } = createRequire(import.meta.url)(
  'ioredis/built/connectors/StandaloneConnector.js',
) as typeof import('ioredis/built/connectors/StandaloneConnector.js');

/**
 * After a failover behind one address, old connections stay on the node that was the primary. As a replica it refuses writes, answers reads with
 * old data, and may receive nothing new. So we end such a connection. The next one goes to the node that has the address now.
 */

/** How long a connection that only reads or subscribes may stay on a demoted node. */
const lookEveryMs = 2_000;

/** A replica refuses a write with READONLY. It refuses everything with MASTERDOWN if it has lost its primary and may not answer with old data. */
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
      if (info.role !== 'slave') return true; // the role is unknown if the user may not run INFO
      onReplica();
      return false;
    }
  };
}

/** Ends a connection that only reads or subscribes when its node has become a replica: no refused write would show it. Returns a function that stops. */
export function leaveReplica(redis: Redis): () => void {
  const timer = setInterval(() => void leaveOnce(redis), lookEveryMs).unref();
  return () => clearInterval(timer);
}

/** With RESP3 a subscriber may run INFO too. With RESP2, or without the right to run INFO, the connection stays. */
async function leaveOnce(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return;
  const info = await redis.info('replication').catch(() => '');
  if (/^role:slave/m.test(info) && redis.status === 'ready') redis.disconnect(true);
}
