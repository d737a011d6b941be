import { failing } from '../support/open-provider-server.ts';
import type { FaultyProxy } from '../support/open-proxy.ts';
import type { RunningService } from '../support/start-service.ts';
import { must, sleep } from './chaos-row.ts';
import type { Chaos } from './open-chaos.ts';

export type Fault = { name: string; bring(chaos: Chaos): Promise<void> };

export const portOf = ({ url }: RunningService) => Number(new URL(url).port);

export const pick = <T>(random: () => number, list: readonly T[]): T | undefined =>
  list[Math.floor(random() * list.length)];

/** `front` leads to the last gateway. Only the last gateway and the last API are killed, never the first ones. */
type Targets = { dead: Set<RunningService>; front: FaultyProxy };

/** The system must recover from these faults without help, except that the fault starts a service in place of a killed one. */
export function faultsFor(random: () => number, { dead, front }: Targets): Fault[] {
  const aliveWorkers = (chaos: Chaos) => chaos.stack.workers.filter((service) => !dead.has(service));
  async function kill(victim: RunningService | undefined): Promise<void> {
    if (!victim) return;
    dead.add(victim);
    victim.signal('SIGKILL');
    await victim.exited;
  }
  return [
    {
      name: 'kill -9 a worker',
      async bring(chaos) {
        const victim = pick(random, aliveWorkers(chaos));
        if (!victim) return;
        await chaos.stack.start('worker');
        await kill(victim);
      },
    },
    {
      name: 'kill -9 a gateway',
      async bring(chaos) {
        const victim = chaos.stack.gateways.at(-1);
        const next = await chaos.stack.start('gateway');
        front.target(portOf(next));
        await kill(victim);
      },
    },
    {
      name: 'kill -9 an API',
      async bring(chaos) {
        const victim = chaos.stack.apis.at(-1);
        await chaos.stack.start('api');
        await kill(victim);
      },
    },
    {
      name: 'the provider fails',
      async bring(chaos) {
        chaos.provider.next(failing(500), failing(429), failing(529));
      },
    },
    {
      name: 'SIGTERM a worker',
      async bring(chaos) {
        const victim = pick(random, aliveWorkers(chaos));
        if (!victim) return;
        dead.add(victim);
        await chaos.stack.start('worker');
        must((await victim.stop('SIGTERM')).code === 0, 'a worker did not exit with 0 after SIGTERM');
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
        const victim = pick(random, aliveWorkers(chaos));
        victim?.signal('SIGSTOP');
        await sleep(1_000);
        victim?.signal('SIGCONT');
      },
    },
  ];
}
