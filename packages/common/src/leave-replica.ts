import { createRequire } from 'node:module';
import type { Redis, RedisOptions } from 'ioredis';

/** How ioredis connects to a server. Its package has it and does not name it; `import` gives it differently in Node and in Vitest. */
const { default: StandaloneConnector } = createRequire(import.meta.url)(
  'ioredis/built/connectors/StandaloneConnector.js',
) as typeof import('ioredis/built/connectors/StandaloneConnector.js');

/**
 * After a failover behind one address, connections that were there before stay on the node that was the primary. It refuses writes, goes on
 * answering what reads, and may hear of nothing new. Such a connection is ended: the next one is made to whichever node has the address by now.
 */

/** How long a connection that only reads or listens may stay on a demoted node. */
const lookEveryMs = 2_000;

/** What a replica answers instead of doing what it was asked, the second where it has lost its primary. */
const refusal = /^(?:READONLY|MASTERDOWN)\b/;

/** Whether Redis did nothing of what it was asked, because it is a replica. */
export function isReplicaRefusal(error: Error): boolean {
  return refusal.test(error.message);
}

/** For ioredis' option `Connector`: a connection to a replica never becomes ready, is ended, and the next one is tried. */
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

/** Ends a connection whose node became a replica though it was never asked to write. Returns how to stop. */
export function leaveReplica(redis: Redis): () => void {
  const timer = setInterval(() => void leaveOnce(redis), lookEveryMs).unref();
  return () => clearInterval(timer);
}

/** A subscriber may ask as well, over RESP3. Over RESP2, or without the right to, nothing is known. */
async function leaveOnce(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return;
  const info = await redis.info('replication').catch(() => '');
  if (/^role:slave/m.test(info) && redis.status === 'ready') redis.disconnect(true);
}
