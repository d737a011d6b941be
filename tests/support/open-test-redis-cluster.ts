import { Redis } from 'ioredis';
import { freePort } from '../../scripts/local-stack/free-port.ts';
import { openTestRedis, type TestRedis } from './open-test-redis.ts';
import { waitUntil } from './wait-until.ts';

/** Like TestRedis, for all nodes at once. The URL names all of them. */
export type TestRedisCluster = TestRedis & { nodes: TestRedis[] };

const slots = 16_384;
const standardNodeTimeoutMs = 1_500;

/**
 * Starts a Redis Cluster: masters that share the slots, without replicas. Each keeps its data and its place in the cluster over a restart. While
 * one of them is gone the others refuse everything, which is Redis' default.
 */
export async function openTestRedisCluster({
  size = 3,
  nodeTimeoutMs = standardNodeTimeoutMs,
} = {}): Promise<TestRedisCluster> {
  const nodes: TestRedis[] = [];
  const close = async () => void (await Promise.all(nodes.map((node) => node.close())));
  try {
    for (let index = 0; index < size; index += 1) nodes.push(await openNode(nodeTimeoutMs));
    await form(nodes.map(({ url }) => url));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: nodes.map(({ url }) => url).join(','),
    nodes,
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
    start: async () => void (await Promise.all(nodes.map((node) => node.start()))),
    signal: (name) => {
      for (const node of nodes) node.signal(name);
    },
    close,
  };
}

/** Gives the bus a free port: the default, 10,000 above the node's port, may be in use or too high. */
async function openNode(nodeTimeoutMs: number): Promise<TestRedis> {
  const flags = { enabled: 'yes', 'node-timeout': nodeTimeoutMs, port: await freePort() };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--cluster-${name}`, String(value)]);
  return openTestRedis({ appendOnly: true, flags: args });
}

/** Why this Redis server cannot run as a cluster, or null. */
export async function clusterObjection(): Promise<string | null> {
  try {
    await (await openNode(standardNodeTimeoutMs)).close();
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (/cluster-(enabled|node-timeout|port)/.test(message)) return message;
    throw error;
  }
}

/** Gives each node its share of the slots and connects the nodes. Resolves when all agree. */
async function form(urls: string[]): Promise<void> {
  const clients = urls.map((url) => new Redis(url));
  try {
    for (const [index, client] of clients.entries()) {
      const [from, to] = [index, index + 1].map((share) => Math.floor((share * slots) / urls.length));
      await client.cluster('ADDSLOTSRANGE', from ?? 0, (to ?? slots) - 1);
      await client.cluster('SET-CONFIG-EPOCH', index + 1);
    }
    const [first, ...others] = clients;
    for (const other of others) {
      const [, busPort] = (await other.config('GET', 'cluster-port')) as string[];
      await first?.call('CLUSTER', 'MEET', '127.0.0.1', String(other.options.port), busPort ?? '');
    }
    await waitUntil(async () => (await Promise.all(clients.map(isFormed))).every(Boolean), {
      what: 'the cluster to form',
      timeoutMs: 15_000,
      everyMs: 50,
    });
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function isFormed(client: Redis, _index: number, { length }: Redis[]): Promise<boolean> {
  const info = String(await client.cluster('INFO'));
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${length}`);
}
