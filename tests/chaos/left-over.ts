import { queueName, queuePrefix } from '@nexus/common/queue/invocation-queue';
import { providerNames } from '@nexus/common/queue/provider-name';
import { residentBytes } from '../support/resident-bytes.ts';
import type { RunningService, ServiceName } from '../support/start-service.ts';
import type { Stack } from '../support/start-stack.ts';
import { waitUntil } from '../support/wait-until.ts';
import { must, sleep } from './chaos-row.ts';
import type { Chaos } from './open-chaos.ts';

/** The resources of an idle system. */
export type Stock = {
  /** Connections to Redis of one process of each service. */
  redisConnections: Map<ServiceName, number>;
  residentBytes: Map<RunningService, number>;
};

/** `nexus:{` is BullMQ's name for the connections on which its workers wait for jobs. */
const owners: [prefix: string, owner: ServiceName][] = [
  ['nexus-api', 'api'],
  ['nexus-gateway', 'gateway'],
  ['nexus-worker', 'worker'],
  ['nexus:{', 'worker'],
];
/** How much a busy process may grow, because its heap does not shrink at once. */
const standardGrowthBytes = 250_000_000;
const poolSize = 10;

const processesOf = (stack: Stack): Record<ServiceName, RunningService[]> => ({
  api: stack.apis,
  gateway: stack.gateways,
  worker: stack.workers,
});

export async function takeStock(stack: Stack): Promise<Stock> {
  const stock: Stock = { redisConnections: new Map(), residentBytes: new Map() };
  const counts = await settledRedisConnections(stack);
  for (const [name, processes] of Object.entries(processesOf(stack)) as [ServiceName, RunningService[]][]) {
    if (processes.length > 0) stock.redisConnections.set(name, (counts.get(name) ?? 0) / processes.length);
    for (const service of processes) stock.residentBytes.set(service, await residentBytes(service.url));
  }
  return stock;
}

/** Waits until the counts are stable: a service is ready before its connections for jobs are open. */
async function settledRedisConnections(stack: Stack): Promise<Map<ServiceName, number>> {
  let counts = await countRedisConnections(stack);
  for (let steady = 0; steady < 3; ) {
    await sleep(100);
    const next = await countRedisConnections(stack);
    const same = next.size === counts.size && [...next].every(([name, count]) => counts.get(name) === count);
    steady = same ? steady + 1 : 0;
    counts = next;
  }
  return counts;
}

async function countRedisConnections({ redis }: Stack): Promise<Map<ServiceName, number>> {
  const counts = new Map<ServiceName, number>();
  for (const [, name = ''] of String(await redis.client('LIST')).matchAll(/ name=(\S*)/g)) {
    const owner = owners.find(([prefix]) => name.startsWith(prefix))?.[1];
    if (owner) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  return counts;
}

/** I4: memory, Redis keys, channels, jobs and connections return to where they were. */
export async function nothingIsLeftOver(
  { stack, watchers, stock }: Chaos,
  { jobsMayLinger = false, dead = [] as RunningService[], mayGrowBytes = standardGrowthBytes },
): Promise<void> {
  for (const watcher of watchers) watcher.close();
  const { redis } = stack;
  await waitUntil(async () => (await redis.pubsub('CHANNELS', 'nexus:{*')).length === 0, {
    what: 'I4: no conversation to be subscribed to',
    timeoutMs: 20_000,
    everyMs: 100,
  });
  const ofQueues = providerNames.map((provider) => `${queuePrefix(provider)}:`);
  for (const key of await redis.keys('nexus:*')) {
    if (!ofQueues.some((prefix) => key.startsWith(prefix)))
      must((await redis.pttl(key)) > 0, `I4: ${key} never expires`);
  }
  if (!jobsMayLinger) {
    for (const provider of providerNames)
      await waitUntil(
        async () => (await redis.keys(`${queuePrefix(provider)}:${queueName(provider)}:*-*-*-*-*`)).length === 0,
        {
          what: `I4: no job to be left on ${queueName(provider)}`,
          timeoutMs: 5_000,
          everyMs: 100,
        },
      );
  }
  const living = (name: ServiceName) => processesOf(stack)[name].filter((service) => !dead.includes(service)).length;
  let excess = '';
  await waitUntil(
    async () => {
      const counts = await countRedisConnections(stack);
      const over = [...stock.redisConnections].filter(([name, each]) => (counts.get(name) ?? 0) > each * living(name));
      excess = JSON.stringify([over, [...counts]]);
      return over.length === 0;
    },
    { what: 'I4: connections to Redis to be as many as before', timeoutMs: 15_000, everyMs: 100 },
  ).catch((error: Error) => must(false, `${error.message}: ${excess}`));
  const [postgres] = await stack.database.query<{ open: number; inTransaction: number }>`
    SELECT count(*)::int AS open, (count(*) FILTER (WHERE state LIKE 'idle in transaction%'))::int AS "inTransaction"
    FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'nexus-%'`;
  if (!postgres) throw new Error('pg_stat_activity gave no row');
  must(postgres.inTransaction === 0, `I4: ${postgres.inTransaction} transactions were left open`);
  const most = (living('api') + living('gateway') + living('worker')) * poolSize + living('worker');
  must(postgres.open <= most, `I4: ${postgres.open} connections to Postgres, though ${most} are allowed`);
  for (const [name, processes] of Object.entries(processesOf(stack))) {
    for (const service of processes) {
      const before = stock.residentBytes.get(service);
      if (before === undefined || dead.includes(service)) continue;
      const grown = (await residentBytes(service.url)) - before;
      must(grown < mayGrowBytes, `I4: the ${name} holds ${(grown / 1e6).toFixed(0)} MB more than before`);
    }
  }
}
