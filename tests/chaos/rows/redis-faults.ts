import type { openProxy } from '../../support/open-proxy.ts';
import { openRedisPair, type RedisPair } from '../../support/open-redis-pair.ts';
import { startService } from '../../support/start-service.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { type ChaosRow, must, mustSayUnready, seconds, sleep } from '../chaos-row.ts';
import { loseAnswers } from '../lose-answers.ts';
import type { Accepted, Chaos } from '../open-chaos.ts';

/** Posts into a new conversation that is watched, and waits until the answer begins. */
async function beginWatched(chaos: Chaos, agentId: string, message: string): Promise<Accepted> {
  const conversationId = await chaos.newConversation();
  await chaos.watch(conversationId);
  const entry = await chaos.post(agentId, message, { conversationId });
  const begun = () => (chaos.provider.callsFor(message)[0]?.sent.length ?? 0) > 30;
  await waitUntil(begun, { what: `${message} to begin`, timeoutMs: 60_000 });
  return entry;
}

/** Posts during a fault of Redis: the API must answer within 2 s. */
async function postQuickly(chaos: Chaos, agentId: string, message: string): Promise<Accepted> {
  const from = performance.now();
  const entry = await chaos.post(agentId, message);
  const ms = performance.now() - from;
  must(ms <= 2_000, `a POST took ${ms} ms`);
  return entry;
}

function assertNoExtraCalls({ provider, accepted }: Chaos): void {
  for (const { message } of accepted)
    must(provider.callsFor(message).length === 1, `${provider.callsFor(message).length} calls for ${message}`);
}

export const restartWithData: ChaosRow = {
  id: '10a',
  title: 'Redis restarted with its append-only file',
  async run({ open }) {
    const chaos = await open({ workers: 2, redis: { appendOnly: true } });
    const agentId = await chaos.agent('t20-n100-d25');
    const running = await beginWatched(chaos, agentId, 'running while Redis restarts');
    await chaos.stack.testRedis.stop();
    for (let index = 0; index < 10; index += 1) await postQuickly(chaos, agentId, `posted without Redis ${index}`);
    await mustSayUnready([...chaos.stack.apis, ...chaos.stack.gateways, ...chaos.stack.workers], 'redis');
    const asked = performance.now();
    const polled = await chaos.stack.api.get<{ status: string }>(`/api/invocations/${running.id}?wait=20`);
    const pollMs = performance.now() - asked;
    must(polled.body.status === 'completed', `a long poll without Redis found it ${polled.body.status}`);
    must(pollMs < 12_000, `a long poll without Redis found it after ${pollMs} ms`);
    await chaos.stack.testRedis.start();
    const from = performance.now();
    await chaos.verify({ boundMs: 30_000 });
    assertNoExtraCalls(chaos);
    return `a long poll told of the end after ${seconds(pollMs)}; all over ${seconds(performance.now() - from)} after the restart`;
  },
};

export const restartEmpty: ChaosRow = {
  id: '10b',
  title: 'Redis restarted empty, 30 invocations queued',
  async run({ open, scale }) {
    const waiting = scale === 'full' ? 300 : 30;
    const chaos = await open({ workers: 1, env: { WORKER_CONCURRENCY: '3' } });
    const agentId = await chaos.agent('t20-n40-d25');
    await beginWatched(chaos, agentId, 'running while Redis forgets');
    await Promise.all(Array.from({ length: waiting }, (_, index) => chaos.post(agentId, `queued ${index}`)));
    await waitUntil(
      async () =>
        (await chaos.stack.database.invocation.count({ where: { status: 'queued', enqueuedAt: null } })) === 0,
      { what: 'all to be enqueued' },
    );
    await chaos.stack.testRedis.stop();
    await chaos.stack.testRedis.start();
    const from = performance.now();
    await chaos.stack.start('worker', { WORKER_CONCURRENCY: '50' });
    await chaos.verify({ boundMs: 60_000 });
    assertNoExtraCalls(chaos);
    return `${waiting} queued were rebuilt and over after ${seconds(performance.now() - from)}`;
  },
};

const pauseFor = (id: string, ms: number, long: boolean): ChaosRow => ({
  id,
  title: `Redis paused for ${ms / 1_000} s`,
  long,
  async run({ open, scale }) {
    const pausedMs = scale === 'full' ? ms : Math.min(ms, 4_000);
    const chaos = await open({ workers: 2 });
    const agentId = await chaos.agent('t20-n60-d25');
    await beginWatched(chaos, agentId, 'running while Redis stands still');
    chaos.stack.testRedis.signal('SIGSTOP');
    const until = performance.now() + pausedMs;
    for (let index = 0; performance.now() < until; index += 1) {
      await postQuickly(chaos, agentId, `posted meanwhile ${index}`);
      await sleep(Math.min(1_000, Math.max(0, until - performance.now())));
    }
    chaos.stack.testRedis.signal('SIGCONT');
    const from = performance.now();
    await chaos.verify({ boundMs: 60_000 });
    assertNoExtraCalls(chaos);
    return `all over ${seconds(performance.now() - from)} after it went on`;
  },
});
export const paused8 = pauseFor('10c', 8_000, false);
export const paused30 = pauseFor('10d', 30_000, true);
export const paused90 = pauseFor('10e', 90_000, true);

export const outOfMemory: ChaosRow = {
  id: '10f',
  title: 'Redis out of memory',
  async run({ open }) {
    const chaos = await open({ workers: 1 });
    const agentId = await chaos.agent('t20-n60-d25');
    await beginWatched(chaos, agentId, 'running while Redis is full');
    await chaos.stack.redis.config('SET', 'maxmemory', '1');
    await mustSayUnready([...chaos.stack.apis, ...chaos.stack.gateways, ...chaos.stack.workers], 'redis');
    for (let index = 0; index < 5; index += 1) await postQuickly(chaos, agentId, `posted to a full Redis ${index}`);
    await sleep(1_000);
    await chaos.stack.redis.config('SET', 'maxmemory', '0');
    const from = performance.now();
    await chaos.verify({ boundMs: 30_000 });
    assertNoExtraCalls(chaos);
    return `all over ${seconds(performance.now() - from)} after there was room again`;
  },
};

export const evicting: ChaosRow = {
  id: '10g',
  title: 'Redis with an evicting policy',
  async run({ open }) {
    const chaos = await open({ workers: 1, gateways: 0 });
    await chaos.stack.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    for (const name of ['api', 'gateway', 'worker'] as const) {
      const env = { DATABASE_URL: chaos.stack.testDatabase.url, REDIS_URL: chaos.stack.testRedis.url };
      const why = await startService(name, env).then(
        (service) => service.stop().then(() => 'it started'),
        (error: Error) => error.message,
      );
      must(/exited with 1/.test(why) && /noeviction/.test(why), `${name}: ${why}`);
    }
    return 'API, gateway and worker refuse to start, and say why';
  },
};

export const failOver: ChaosRow = {
  id: '10h',
  title: 'Redis fails over behind one address, and back, while connections stay where they are',
  async run({ open, scale }) {
    const readOnlyMs = scale === 'full' ? 20_000 : 1_000;
    let pair: RedisPair | undefined;
    const redisUrlFor = async (url: string) => {
      pair = await openRedisPair(url);
      return pair.url;
    };
    const chaos = await open({ workers: 2, redisUrlFor });
    try {
      must(pair, 'no pair');
      const { demote, promote, leftBehind } = pair;
      const services = [...chaos.stack.apis, ...chaos.stack.gateways, ...chaos.stack.workers];
      const agentId = await chaos.agent('t20-n100-d25');
      let slowest = 0;
      for (const turn of ['there', 'back']) {
        await beginWatched(chaos, agentId, `running on the way ${turn}`);
        await demote();
        await postQuickly(chaos, agentId, `posted to a replica on the way ${turn}`);
        await mustSayUnready(services, 'redis');
        await sleep(readOnlyMs);
        await promote();
        const from = performance.now();
        await postQuickly(chaos, agentId, `posted after the way ${turn}`);
        const areReady = async () => (await Promise.all(services.map(isReady))).every(Boolean);
        await waitUntil(areReady, { what: 'all to be ready again', everyMs: 50 });
        slowest = Math.max(slowest, performance.now() - from);
        await waitUntil(async () => (await leftBehind()).length === 0, { what: 'all to have left the replica' });
      }
      await chaos.verify({ boundMs: 30_000 });
      assertNoExtraCalls(chaos);
      return `all ready again ${seconds(slowest)} after the promotion, nobody on the demoted node`;
    } finally {
      await chaos.close();
      await pair?.close();
    }
  },
};

const isReady = async ({ url }: { url: string }) => (await fetch(`${url}/readyz`)).ok;

export const killSubscribers: ChaosRow = {
  id: '11',
  title: 'all pub/sub connections killed every second during 1,000 events/s',
  async run({ open, scale }) {
    const kills = scale === 'full' ? 10 : 4;
    const chaos = await open({ workers: 1, env: { COALESCE_MAX_MS: '0' } });
    const agentId = await chaos.agent(`t20-n${kills * 50 + 150}-d20`);
    const conversations = await Promise.all(Array.from({ length: 20 }, () => chaos.newConversation()));
    for (const conversationId of conversations) await chaos.watch(conversationId);
    await Promise.all(
      conversations.map((conversationId, index) => chaos.post(agentId, `through kills ${index}`, { conversationId })),
    );
    await waitUntil(() => chaos.accepted.every(({ message }) => chaos.provider.callsFor(message)[0]?.sent), {
      what: 'all to begin',
    });
    const heard = () => chaos.watchers.reduce((sum, { events }) => sum + events.length, 0);
    const [from, before] = [performance.now(), heard()];
    let killed = 0;
    for (let index = 0; index < kills; index += 1) {
      await sleep(1_000);
      killed += Number(await chaos.stack.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    }
    const perSecond = ((heard() - before) / (performance.now() - from)) * 1_000;
    await chaos.verify({ boundMs: 60_000 });
    must(perSecond > 500, `only ${perSecond.toFixed(0)} events/s`);
    const gateway = chaos.stack.gateways[0]?.url;
    const gaps = /nexus_gaps_repaired_total (\d+)/.exec(await (await fetch(`${gateway}/metrics`)).text())?.[1];
    must(killed >= kills, 'no connection was killed');
    return `${killed} connections killed during ${perSecond.toFixed(0)} events/s, ${gaps} gaps repaired, nothing missing at 20 clients`;
  },
};

const slowRedis = (
  id: string,
  title: string,
  fault: Parameters<Awaited<ReturnType<typeof openProxy>>['set']>[0],
): ChaosRow => ({
  id,
  title: `Redis ${title}`,
  async run({ open }) {
    const chaos = await open({ workers: 1, throughProxy: true });
    const agentId = await chaos.agent('t20-n30-d20');
    chaos.redisProxy?.set(fault);
    const from = performance.now();
    await Promise.all(Array.from({ length: 20 }, (_, index) => beginWatched(chaos, agentId, `slow ${index}`)));
    await chaos.verify({ boundMs: 60_000 });
    const again = await chaos.stack.database.invocation.count({ where: { dispatch: { gt: 1 } } });
    must(again === 0, `${again} got another job although theirs was on its way`);
    return `20 answers of 0.6 s after ${seconds(performance.now() - from)}`;
  },
});
export const late50 = slowRedis('12a', '50 ms late', { delayMs: 50 });
export const late200 = slowRedis('12b', '200 ms late', { delayMs: 200 });
export const slices = slowRedis('12c', 'in slices of one byte', { slices: true });

export const halfOpen: ChaosRow = {
  id: '12d',
  title: 'Redis half-open for 60 s',
  long: true,
  async run({ open, say }) {
    const chaos = await open({ workers: 1, throughProxy: true });
    const agentId = await chaos.agent('t20-n30-d20');
    await beginWatched(chaos, agentId, 'before');
    chaos.redisProxy?.set({ silent: true });
    const from = performance.now();
    const services = [...chaos.stack.apis, ...chaos.stack.gateways, ...chaos.stack.workers];
    const noticed = await Promise.all(
      services.map(async (service) => {
        await waitUntil(async () => (await fetch(`${service.url}/readyz`)).status === 503, {
          what: 'it to be noticed',
          timeoutMs: 20_000,
          everyMs: 100,
        });
        return performance.now() - from;
      }),
    );
    const ms = Math.max(...noticed);
    must(ms <= 15_000, `noticed after ${ms} ms`);
    say(`noticed after ${seconds(ms)}`);
    await postQuickly(chaos, agentId, 'meanwhile');
    await sleep(Math.max(0, 60_000 - (performance.now() - from)));
    chaos.redisProxy?.set({});
    chaos.redisProxy?.cut();
    const healedAt = performance.now();
    await chaos.verify({ boundMs: 60_000 });
    return `noticed after ${seconds(ms)}; all over ${seconds(performance.now() - healedAt)} after it healed`;
  },
};

export const unheardAnswers: ChaosRow = {
  id: '12e',
  title: 'Redis does what it is asked, and its answers are lost',
  async run({ open, scale }) {
    const rounds = scale === 'full' ? 40 : 8;
    const chaos = await open({ workers: 2, throughProxy: true });
    const agentId = await chaos.agent('t5-n5-d5');
    must(chaos.redisProxy, 'no proxy');
    await loseAnswers(chaos.redisProxy, rounds, (message) => postQuickly(chaos, agentId, message));
    const from = performance.now();
    await chaos.verify({ boundMs: 30_000, jobsMayLinger: true });
    assertNoExtraCalls(chaos);
    return `${rounds * 20} invocations over ${seconds(performance.now() - from)} after the last of ${rounds} such moments`;
  },
};
