import { openRedis, waitForRedis } from '@nexus/common/redis/open-redis';
import { afterEach, describe, expect, it } from 'vitest';
import { openRedisPair, type RedisPair } from './support/open-redis-pair.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { openTestRedis } from './support/open-test-redis.ts';
import { waitUntil } from './support/wait-until.ts';

describe('a failover of Redis behind one address', () => {
  let stack: Stack;
  let pair: RedisPair;
  afterEach(async () => {
    await stack.close();
    await pair.close();
  });

  async function open(): Promise<void> {
    stack = await openStack({
      async redisUrlFor(url) {
        pair = await openRedisPair(url);
        return pair.url;
      },
    });
  }
  const services = () => [...stack.apis, ...stack.gateways, ...stack.workers];
  const readiness = () =>
    Promise.all(
      services().map(async ({ url }) => {
        const response = await fetch(`${url}/readyz`);
        const { checks } = (await response.json()) as { checks: Record<string, string> };
        return { status: response.status, redis: checks.redis };
      }),
    );
  const isEverybody = async (status: number) => (await readiness()).every((each) => each.status === status);
  const post = (message: string, conversationId?: string) =>
    stack.api.invoke({ agentId: stack.echoAgentId, message, ...(conversationId ? { conversationId } : {}) });

  it('is noticed by every connection, although none of them broke', async () => {
    await open();
    const { body: conversation } = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    const watcher = await stack.watch({ conversationId: conversation.id });
    const first = await post('before', conversation.id);
    await watcher.ended(first.body.id);

    await pair.demote();
    await pair.promote();
    const second = await post('through it', conversation.id);
    expect(second.status).toBe(202);
    await watcher.ended(second.body.id);
    await waitUntil(async () => (await pair.leftBehind()).length === 0, { what: 'all to have left the demoted node' });
    await waitUntil(() => isEverybody(200), { what: 'all to be ready' });
    pair.proxy.target(1); // a new connection would fail, but these exist already
    const third = await post('after', conversation.id);
    expect((await watcher.ended(third.body.id)).text).toBe('You said: after');
    expect((await stack.api.finished(third.body.id)).status).toBe('completed');
  });

  it('makes no connection ready before there is a primary, and loses no command meanwhile', async () => {
    await open();
    await pair.demote();
    await waitUntil(() => isEverybody(503), { what: 'all to be unready', everyMs: 50 });
    const startedAt = performance.now();
    const posted = await post('nobody takes it');
    expect(posted.status).toBe(202);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await isEverybody(503)).toBe(true);
    const row = await stack.database.invocation.findUniqueOrThrow({ where: { id: posted.body.id } });
    expect([row.status, row.enqueuedAt]).toEqual(['queued', null]);

    await pair.promote();
    expect(await stack.api.finished(posted.body.id)).toMatchObject({ status: 'completed', attempt: 1 });
    await waitUntil(() => isEverybody(200), { what: 'all to be ready' });
  });
});

describe('a Redis that refuses writes', () => {
  it('is not used if the address leads to a replica, and the error names the reason', async () => {
    const server = await openTestRedis();
    const { redis, close } = openRedis(server.url, 'commands', { name: 'test', logger: { warn() {}, info() {} } });
    try {
      await waitForRedis(redis, 5_000);
      await redis.replicaof('127.0.0.1', 1);
      await expect(redis.set('x', 'y')).rejects.toThrow('READONLY');
      await waitUntil(() => redis.status !== 'ready', { what: 'the connection to be ended' });
      await expect(waitForRedis(redis, 1_000)).rejects.toThrow('the address leads to a replica');
    } finally {
      await close();
      await server.close();
    }
  });

  it.each([
    ['full', 'maxmemory', '1', '0', /^OOM /],
    ['without its required replicas', 'min-replicas-to-write', '1', '0', /^NOREPLICAS /],
  ])('makes no connection ready while it is %s', async (_, setting, bad, good, reason) => {
    const stack = await openStack();
    try {
      const ask = () =>
        Promise.all(
          [...stack.apis, ...stack.gateways, ...stack.workers].map(async ({ url }) => {
            const response = await fetch(`${url}/readyz`);
            return [response.status, ((await response.json()) as { checks: { redis: string } }).checks.redis];
          }),
        );
      await stack.redis.config('SET', setting, bad);
      expect(await ask()).toEqual(Array(3).fill([503, expect.stringMatching(reason)]));
      await stack.redis.config('SET', setting, good);
      expect(await ask()).toEqual(Array(3).fill([200, 'ok']));
    } finally {
      await stack.close();
    }
  });
});
