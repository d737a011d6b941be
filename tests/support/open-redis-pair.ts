import { Redis } from 'ioredis';
import { type FaultyProxy, openProxy } from './open-proxy.ts';
import { openTestRedis } from './open-test-redis.ts';
import { waitUntil } from './wait-until.ts';

export type RedisPair = {
  /** The one address of both, which leads new connections to the primary. Those that are there stay where they are. */
  url: string;
  proxy: FaultyProxy;
  /** The primary becomes a replica, and the address still leads to it. */
  demote(): Promise<void>;
  /** The other server becomes the primary, the demoted one its replica, and the address leads to it. */
  promote(): Promise<void>;
  /** The names of the connections that services still have to the server that is not the primary. */
  leftBehind(): Promise<string[]>;
  close(): Promise<void>;
};

/** A replica for this server, and one address for both. */
export async function openRedisPair(primaryUrl: string): Promise<RedisPair> {
  const second = await openTestRedis();
  const connect = (url: string) => {
    const redis = new Redis(url);
    redis.on('error', () => {}); // told to whoever asks
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
