import { splitRedisUrls } from '@nexus/common/config/redis-urls';
import { assertRedisFits } from '@nexus/common/redis/assert-redis-fits';
import { openRedis, waitForRedis } from '@nexus/common/redis/open-redis';

const limitMs = 5_000;

/** Checks a Redis that we did not start: it answers, is new enough and does not evict. Throws one line otherwise. */
export async function assertRedisUsable(url: string, cluster: boolean): Promise<void> {
  const { redis, close } = openRedis(url, 'commands', {
    name: 'nexus-start',
    cluster,
    logger: { warn() {}, info() {} },
  });
  try {
    await waitForRedis(redis, limitMs).catch((error: unknown) => {
      throw new Error(`REDIS_URL: cannot reach ${hostsOf(url)}${reasonOf(error)}`);
    });
    await assertRedisFits(redis);
  } finally {
    await close();
  }
}

/** The last error of the connection, such as ECONNREFUSED, or Redis' own text for WRONGPASS. */
function reasonOf(error: unknown): string {
  const { code, message } = ((error as Error).cause ?? {}) as { code?: string; message?: string };
  const reason = code ?? message;
  return reason ? ` (${reason})` : '';
}

export function hostsOf(url: string): string {
  return splitRedisUrls(url)
    .map((each) => new URL(each).host)
    .join(', ');
}
