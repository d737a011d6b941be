import { jobId, queuePrefix } from '@nexus/common/queue/invocation-queue';
import { providerNames } from '@nexus/common/queue/provider-name';
import { assertRedisFits } from '@nexus/common/redis/assert-redis-fits';
import { openRedis, waitForRedis } from '@nexus/common/redis/open-redis';
import { pingRedis } from '@nexus/common/redis/ping-redis';
import type { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ShownInvocation } from './support/api-client.ts';
import { assertShown } from './support/assert-shown.ts';
import { createPacedAgent } from './support/create-paced-agent.ts';
import { openProviderServer, type ProviderServer } from './support/open-provider-server.ts';
import { openStack, type Stack } from './support/open-stack.ts';
import { openTestRedis } from './support/open-test-redis.ts';
import { clusterObjection, type TestRedisCluster } from './support/open-test-redis-cluster.ts';
import type { RunningService } from './support/start-service.ts';
import { waitUntil } from './support/wait-until.ts';
import type { Watcher } from './support/watch-conversation.ts';

const objection = await clusterObjection();
if (objection) console.warn(`no Redis Cluster to try it with: ${objection}`);

describe.skipIf(objection)('on a Redis Cluster of three nodes', { timeout: 60_000 }, () => {
  let provider: ProviderServer;
  let stack: Stack;
  let agentId: string;
  beforeAll(async () => {
    provider = await openProviderServer();
    const env = { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url };
    stack = await openStack({ cluster: true, workers: 2, gateways: 2, env });
    agentId = await createPacedAgent(stack.api, 't20-n40-d15');
  }, 60_000);
  afterAll(async () => {
    await stack?.close();
    await provider?.close();
  });

  const cluster = () => stack.redis as Cluster;
  const nodes = () => (stack.testRedis as TestRedisCluster).nodes;
  const services = () => [...stack.apis, ...stack.gateways, ...stack.workers];
  const ownerOf = async (key: string) => cluster().slots[await cluster().cluster('KEYSLOT', key)]?.[0];
  const keysOfAllNodes = async (pattern: string) =>
    (
      await Promise.all(
        cluster()
          .nodes('master')
          .map((node) => node.keys(pattern)),
      )
    ).flat();

  /** A new conversation that is watched at one of the gateways, and an invocation in it. */
  async function begin(message: string, { agent = agentId, gateway = 0 } = {}) {
    const conversation = await stack.api.send<{ id: string }>('POST', '/api/conversations', {});
    const conversationId = conversation.body.id;
    const watcher = await stack.watch({ conversationId, gateway });
    const { status, body } = await stack.api.invoke({ agentId: agent, message, conversationId });
    expect(status).toBe(202);
    return { id: body.id, conversationId, watcher };
  }

  async function endAsStored(begun: { id: string; conversationId: string; watcher: Watcher }[]): Promise<void> {
    const stored = new Map<string, string>();
    for (const { id } of begun) {
      const { status, output } = await stack.api.finished(id, 40);
      expect(status).toBe('completed');
      stored.set(id, output ?? '');
    }
    const seen = { accepted: begun, watchers: begun.map(({ watcher }) => watcher) };
    await assertShown(seen, (id) => stored.get(id) ?? 'nothing is stored');
  }

  const ready = async (service: RunningService) => (await fetch(`${service.url}/readyz`)).status;

  it('streams the answers of many conversations exactly as stored, with logs on every node', async () => {
    const begun: Awaited<ReturnType<typeof begin>>[] = [];
    const owners = new Set<unknown>();
    // Ids are random: with only twelve conversations, one time in forty a node would have none.
    while (owners.size < 3 && begun.length < 72) {
      const dozen = Array.from({ length: 12 }, (_, index) => begin(`spread ${index}`, { gateway: index % 2 }));
      begun.push(...(await Promise.all(dozen)));
      for (const { conversationId } of begun) owners.add(await ownerOf(`nexus:{${conversationId}}:events`));
    }
    expect(owners.size).toBe(3);
    await endAsStored(begun);
    for (const { id, watcher } of begun) {
      const seqs = watcher.eventsOf(id).map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
      expect(watcher.eventsOf(id).filter(({ type }) => type === 'message.delta').length).toBeGreaterThan(5);
    }
  });

  it('keeps the keys of one conversation in one slot, and those of one queue', async () => {
    const { id, conversationId, watcher } = await begin('all in one place');
    await waitUntil(() => watcher.shown(id).text.length > 20, { what: 'some text' });
    await stack.api.send('POST', `/api/invocations/${id}/cancel`);
    await watcher.ended(id);
    const ofConversation = await keysOfAllNodes(`*${conversationId}*`);
    expect(ofConversation).toEqual(expect.arrayContaining([expect.stringContaining(':log:')]));
    expect(ofConversation).toEqual(expect.arrayContaining([expect.stringContaining(':cancel:')]));
    const tags = [conversationId, ...providerNames];
    const all = await keysOfAllNodes('*');
    for (const tag of tags) {
      const own = all.filter((key) => key.includes(`{${tag}}`));
      const slots = await Promise.all(own.map((key) => cluster().cluster('KEYSLOT', key)));
      expect(new Set(slots).size).toBeLessThanOrEqual(1);
    }
    expect(all.filter((key) => key.startsWith(`${queuePrefix('openai')}:`)).length).toBeGreaterThan(1);
    expect(all.filter((key) => !/^nexus:\{[\w-]+\}:/.test(key))).toEqual([]);
  });

  it('cancels a running invocation, and closes the call to the provider', async () => {
    const slow = await createPacedAgent(stack.api, 't0-n400-d25');
    const { id, watcher } = await begin('goes on', { agent: slow });
    await waitUntil(() => watcher.shown(id).text.length > 20, { what: 'some text' });
    const askedAt = performance.now();
    const { status } = await stack.api.send<ShownInvocation>('POST', `/api/invocations/${id}/cancel`);
    expect(status).toBe(202);
    const { last, text } = await watcher.ended(id);
    expect(last?.type).toBe('invocation.cancelled');
    expect((await stack.api.finished(id)).output).toBe(text);
    const closedAt = await waitUntil(() => provider.callsFor('goes on')[0]?.closedEarlyAt, {
      what: 'the socket to close',
    });
    expect(closedAt - askedAt).toBeLessThan(1_000);
  });

  it('gives the invocations of a killed worker to another worker', async () => {
    const paced = await createPacedAgent(stack.api, 't0-n60-d40');
    const begun = await Promise.all(
      Array.from({ length: 6 }, (_, index) => begin(`killed ${index}`, { agent: paced })),
    );
    for (const { id, watcher } of begun)
      await waitUntil(() => watcher.shown(id).text.length > 10, { what: 'text from each' });
    await stack.workers.shift()?.stop('SIGKILL');
    await endAsStored(begun);
    const attempts = await stack.database.invocation.findMany({
      where: { id: { in: begun.map(({ id }) => id) } },
      select: { attempt: true },
    });
    expect(attempts.some(({ attempt }) => attempt === 2)).toBe(true);
    await stack.start('worker');
  });

  it('adds lost jobs again, on all nodes', async () => {
    await Promise.all(stack.workers.splice(0).map((worker) => worker.stop()));
    const agents = [agentId, stack.echoAgentId];
    const posted = await Promise.all(
      agents.map(async (agent) => (await stack.api.invoke({ agentId: agent, message: 'its job gets lost' })).body),
    );
    const jobs = () =>
      Promise.all(posted.map(({ id }) => keysOfAllNodes(`nexus:*:${jobId({ invocationId: id, dispatch: 1 })}`)));
    await waitUntil(async () => (await jobs()).every(({ length }) => length === 1), { what: 'both jobs' });
    await Promise.all(
      cluster()
        .nodes('master')
        .map((node) => node.flushall()),
    );
    expect((await jobs()).flat()).toEqual([]);
    await Promise.all([stack.start('worker'), stack.start('worker')]);
    for (const { id } of posted)
      expect(await stack.api.finished(id)).toMatchObject({ status: 'completed', attempt: 1 });
  });

  it('receives events through another node when its subscriber node is gone', async () => {
    const heard: string[] = [];
    const { url } = stack.testRedis;
    const quiet = { warn() {}, info() {} };
    const { redis, close } = openRedis(url, 'subscriber', { name: 'test', cluster: true, logger: quiet });
    try {
      redis.on('message', (_channel, payload: string) => heard.push(payload));
      await redis.subscribe('nexus:{moving}:events');
      const port = () => (redis as Redis).options.port;
      const first = nodes().find((node) => new URL(node.url).port === String(port()));
      const back = new Promise((resolve) => redis.once('ready', resolve));
      await first?.stop();
      await back;
      expect(nodes().find((node) => new URL(node.url).port === String(port()))).not.toBe(first);
      await first?.start();
      await waitUntil(async () => (await pingRedis(cluster()).catch(() => 'away')) === undefined && 'all', {
        what: 'the cluster',
      });
      await cluster().publish('nexus:{moving}:events', 'still there');
      await expect.poll(() => heard).toContain('still there');
    } finally {
      await close();
    }
  });

  it('is refused with the wrong setting, and the error names the setting', async () => {
    const quiet = { warn() {}, info() {} };
    const single = openRedis(nodes()[0]?.url ?? '', 'commands', { name: 'test', logger: quiet });
    const server = await openTestRedis();
    const wrong = openRedis(server.url, 'commands', { name: 'test', cluster: true, logger: quiet });
    try {
      await waitForRedis(single.redis, 5_000);
      await expect(assertRedisFits(single.redis)).rejects.toThrow('set REDIS_CLUSTER=on');
      await expect(waitForRedis(wrong.redis, 2_000)).rejects.toThrow('cluster support disabled');
      await cluster().nodes()[2]?.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await expect(assertRedisFits(cluster())).rejects.toThrow('noeviction');
      await cluster().nodes()[2]?.config('SET', 'maxmemory-policy', 'noeviction');
      await assertRedisFits(cluster());
    } finally {
      await single.close();
      await wrong.close();
      await server.close();
    }
  });

  it('continues after one of the nodes was away', async () => {
    const paced = await createPacedAgent(stack.api, 't0-n100-d60');
    const begun = await Promise.all(
      Array.from({ length: 9 }, (_, index) => begin(`through ${index}`, { agent: paced, gateway: index % 2 })),
    );
    for (const { id, watcher } of begun)
      await waitUntil(() => watcher.shown(id).text.length > 10, { what: 'text from each' });
    await nodes()[1]?.stop();
    for (const service of services()) expect(await ready(service)).toBe(503);
    const posted = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const from = performance.now();
        const { status, body } = await stack.api.invoke({ agentId, message: `posted meanwhile ${index}` });
        expect(status).toBe(202);
        expect(performance.now() - from).toBeLessThan(2_000);
        return body;
      }),
    );
    const asked = performance.now();
    const polls = begun.map(({ id }) => stack.api.get<ShownInvocation>(`/api/invocations/${id}?wait=40`));
    for (const { body } of await Promise.all(polls)) expect(body.status).toBe('completed');
    expect(performance.now() - asked).toBeLessThan(30_000); // an event tells them, not the end of their wait
    await nodes()[1]?.start();
    for (const service of services())
      await waitUntil(async () => (await ready(service)) === 200, { what: 'readiness', everyMs: 100 });
    await endAsStored(begun);
    for (const { id } of posted) expect((await stack.api.finished(id)).status).toBe('completed');
    for (let index = 0; index < 9; index += 1) expect(provider.callsFor(`through ${index}`)).toHaveLength(1);
  });
});
