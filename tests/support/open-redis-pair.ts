import { Redis } from 'ioredis';
import { type FaultyProxy, openProxy } from './open-proxy.ts';
import { openTestRedis } from './open-test-redis.ts';
import { waitUntil } from './wait-until.ts';

export type RedisPair = {
  /** One address for both servers. New connections go to the primary; open ones stay where they are. */
  url: string;
  proxy: FaultyProxy;
  /** Makes the primary a replica. The address still leads to it. */
  demote(): Promise<void>;
  /** Makes the other server the primary, and the demoted one its replica. The address then leads to the new primary. */
  promote(): Promise<void>;
  /** The names of the services' connections that are still on the server that is not the primary. */
  leftBehind(): Promise<string[]>;
  close(): Promise<void>;
};

/** A replica for this server, and one address for both. */
export async function openRedisPair(primaryUrl: string): Promise<RedisPair> {
  const second = await openTestRedis();
  const connect = (url: string) => {
    const redis = new Redis(url);
    redis.on('error', () => {}); // the commands report errors
    return { port: Number(new URL(url).port), redis };
  };
  let [primary, other] = [connect(primaryUrl), connect(second.url)];
  const proxy = await openProxy(primary.port);
  const follow = (replica: typeof primary, { port }: typeof primary) => replica.redis.replicaof('127.0.0.1', port);
  for (const { redis } of [primary, other]) await redis.config('SET', 'repl-diskless-sync-delay', '0');
  await follow(other, primary);
  const caughtUp = async () => /master_link_status:up/.test(await other.redis.info('replication'));
  await waitUntil(caughtUp, { what: 'the replica to have everything' });

  return {
    url: `redis://127.0.0.1:${proxy.port}`,
    proxy,
    async demote() {
      await primary.redis.wait(1, 5_000);
      await follow(primary, other);
    },
    async promote() {
      await other.redis.call('REPLICAOF', 'NO', 'ONE');
      await follow(primary, other);
      proxy.target(other.port);
      [primary, other] = [other, primary];
    },
    async leftBehind() {
      const clients = String(await other.redis.client('LIST')).matchAll(/ name=(nexus\S+)/g);
      return [...clients].map(([, name = '']) => name);
    },
    async close() {
      await proxy.close();
      for (const { redis } of [primary, other]) redis.disconnect();
      await second.close();
    },
  };
}
