import { residentBytes } from '../../support/resident-bytes.ts';
import { type ChaosRow, createRandom, must, seconds, sleep } from '../chaos-row.ts';
import type { Chaos } from '../open-chaos.ts';

type Fault = { name: string; bring(chaos: Chaos): Promise<void> };

const pick = <T>(random: () => number, list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];

/** Faults after which the system has to be itself again without help, but for starting what was killed. */
function faultsFor(random: () => number, dead: Set<unknown>): Fault[] {
  const alive = (chaos: Chaos, name: 'workers' | 'gateways' | 'apis') =>
    chaos.stack[name].filter((service) => !dead.has(service));
  const kill = (name: 'workers' | 'gateways', service: 'worker' | 'gateway'): Fault => ({
    name: `kill -9 a ${service}`,
    async bring(chaos) {
      const victim = pick(random, alive(chaos, name));
      if (!victim) return;
      dead.add(victim);
      if (service === 'worker') await chaos.stack.start('worker');
      victim.signal('SIGKILL');
      await victim.exited;
    },
  });
  return [
    kill('workers', 'worker'),
    {
      name: 'SIGTERM a worker',
      async bring(chaos) {
        const victim = pick(random, alive(chaos, 'workers'));
        if (!victim) return;
        dead.add(victim);
        await chaos.stack.start('worker');
        must((await victim.stop('SIGTERM')).code === 0, 'a worker that was told to stop did not exit with 0');
      },
    },
    {
      name: 'pause Redis for 2 s',
      async bring(chaos) {
        chaos.stack.testRedis.signal('SIGSTOP');
        await sleep(2_000);
        chaos.stack.testRedis.signal('SIGCONT');
      },
    },
    {
      name: 'restart Redis',
      async bring(chaos) {
        await chaos.stack.testRedis.stop();
        await chaos.stack.testRedis.start();
      },
    },
    {
      name: 'kill pub/sub connections',
      async bring(chaos) {
        await chaos.stack.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => {});
      },
    },
    {
      name: 'drop all clients',
      async bring(chaos) {
        for (const watcher of chaos.watchers) watcher.socket.io.engine.close();
      },
    },
    {
      name: 'cut Postgres connections',
      async bring(chaos) {
        await chaos.stack.database.$executeRaw`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`.catch(
          () => {},
        );
      },
    },
    {
      name: 'freeze a worker for 1 s',
      async bring(chaos) {
        const victim = pick(random, alive(chaos, 'workers'));
        victim?.signal('SIGSTOP');
        await sleep(1_000);
        victim?.signal('SIGCONT');
      },
    },
  ];
}

export const randomFaults: ChaosRow = {
  id: '22',
  title: 'random faults, one every few seconds, 20 conversations busy throughout',
  async run({ open, scale, seed, say }) {
    const lastsMs = scale === 'full' ? 600_000 : 20_000;
    const random = createRandom(seed);
    const chaos = await open({ workers: 3, gateways: 1, redis: { appendOnly: true } });
    const dead = new Set<(typeof chaos.stack.workers)[number]>();
    const faults = faultsFor(random, dead);
    const agentId = await chaos.agent('t20-n30-d25');
    const conversations = await Promise.all(Array.from({ length: 20 }, () => chaos.newConversation()));
    for (const conversationId of conversations) await chaos.watch(conversationId);
    const until = performance.now() + lastsMs;
    let stopped = false;
    let posted = 0;

    const talk = async (conversationId: string) => {
      while (!stopped && performance.now() < until) {
        posted += 1;
        const message = `busy ${posted}`;
        const key = `chaos-22-${seed}-${posted}`;
        const answer = await chaos.stack.api
          .invoke({ agentId, message, conversationId }, { 'idempotency-key': key })
          .catch(() => null);
        if (answer?.status === 202) {
          chaos.accepted.push({ id: answer.body.id, conversationId, message });
          await chaos.stack.api.finished(answer.body.id, 60).catch(() => {});
        } else await sleep(500);
      }
    };
    const talking = Promise.all(conversations.map(talk));

    const counts = new Map<string, number>();
    const api = chaos.stack.apiUrl;
    const gateway = chaos.stack.gatewayUrl;
    const memory: { at: number; bytes: number }[] = [];
    try {
      while (performance.now() < until) {
        await sleep(2_000 + random() * 2_000);
        const fault = pick(random, faults);
        if (!fault) continue;
        await fault.bring(chaos);
        counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1);
        const bytes = (await residentBytes(api)) + (await residentBytes(gateway));
        memory.push({ at: performance.now(), bytes });
        say(
          `${seconds(until - performance.now())} left, ${chaos.accepted.length} accepted, ${(bytes / 1e6).toFixed(0)} MB; ${fault.name}`,
        );
      }
    } finally {
      stopped = true;
    }
    await talking;
    await chaos.verify({ boundMs: 90_000, dead: [...dead], jobsMayLinger: true });
    const growth = slopeAfterWarmUp(memory);
    if (scale === 'full')
      must(growth < 1.25, `resident memory of API and gateway grew by a factor of ${growth.toFixed(2)} after warm-up`);
    return `${chaos.accepted.length} accepted through ${[...counts.values()].reduce((a, b) => a + b, 0)} faults; memory × ${growth.toFixed(2)} after warm-up`;
  },
};

/** Mean of the last quarter against the second: flat is 1. */
function slopeAfterWarmUp(memory: { bytes: number }[]): number {
  const quarter = Math.floor(memory.length / 4);
  const mean = (part: { bytes: number }[]) =>
    part.reduce((sum, { bytes }) => sum + bytes, 0) / Math.max(1, part.length);
  return quarter === 0 ? 1 : mean(memory.slice(-quarter)) / mean(memory.slice(quarter, 2 * quarter));
}
