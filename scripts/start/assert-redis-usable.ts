import { assertRedisFits, openRedis, waitForRedis } from '@nexus/common/open-redis';

const limitMs = 5_000;

/** Of a Redis that is not ours: that it answers, is new enough and does not evict. Throws one line otherwise. */
export async function assertRedisUsable(url: string): Promise<void> {
  const { redis, close } = openRedis(url, 'commands', { name: 'nexus-start', logger: { warn() {}, info() {} } });
  try {
    await waitForRedis(redis, limitMs).catch(() => {
      throw new Error(`REDIS_URL: cannot reach ${new URL(url).host}`);
    });
    await assertRedisFits(redis);
  } finally {
    await close();
  }
}
