import { freePort } from '../../scripts/local-stack/free-port.ts';
import { createApiClient } from '../../tests/support/api-client.ts';
import { waitUntil } from '../../tests/support/wait-until.ts';
import type { FanOutAddress } from '../fan-out/fan-out.ts';
import { toText, versus } from '../figures/versus.ts';
import type { Memory } from '../idle/report-memory.ts';
import { inBatches } from '../load/connect.ts';
import { type BenchProcess, openProcess } from '../processes/open-process.ts';
import type { Nexus } from '../stack/open-nexus.ts';
import type { Release } from '../stack/releases.ts';
import { type Phase, scaled } from './phase.ts';

type PerClient = { heapBytes: number; rssBytes: number };

/**
 * What a client costs that is connected and subscribed and hears nothing. Both gateways run with --expose-gc, here only, so that
 * garbage is not counted; each measurement has processes of its own.
 */
export const idlePhase: Phase = {
  name: 'idle',
  title: 'memory per idle subscribed client',
  async run({ bench, scale, say, release }) {
    const count = scaled(2_000, scale, 500);
    const conversations = await createConversations(bench.nexus, count);
    const rooms = { one: conversations.map(() => conversations[0] ?? ''), own: conversations };
    const measured: Record<string, { nexus: PerClient; raw: PerClient }> = {};
    for (const [name, each] of Object.entries(rooms)) {
      say(`${count} clients, ${name === 'one' ? 'all of one conversation' : 'each of its own'}`);
      measured[name] = {
        nexus: await measure(release, await openIdleGateway(bench.nexus), each),
        raw: await measure(release, await openIdleRaw(), each),
      };
    }
    const kilobytes = (bytes: number) => bytes / 1_024;
    const figure = (title: string, { nexus, raw }: { nexus: PerClient; raw: PerClient }) =>
      versus(title, 'KB', kilobytes(nexus.heapBytes), kilobytes(raw.heapBytes), 1.15, 'raw Socket.IO');
    return {
      lines: Object.entries(measured).map(
        ([name, { nexus, raw }]) =>
          `${name === 'one' ? 'one conversation' : 'a conversation each'}: ${toText(kilobytes(nexus.heapBytes))} KB (resident ${toText(kilobytes(nexus.rssBytes))}); raw Socket.IO ${toText(kilobytes(raw.heapBytes))} KB (resident ${toText(kilobytes(raw.rssBytes))})`,
      ),
      figures: [
        ...(measured.one ? [figure('memory per idle client, all of one conversation', measured.one)] : []),
        ...(measured.own ? [figure('memory per idle client, each of its own conversation', measured.own)] : []),
      ],
      panels: [
        {
          title: 'memory per idle subscribed client',
          unit: 'KB',
          groups: Object.entries(measured).map(([name, { nexus, raw }]) => ({
            label: name === 'one' ? 'all of one conversation' : 'a conversation each',
            bars: [
              { series: 'nexus', value: kilobytes(nexus.heapBytes) },
              { series: 'raw', value: kilobytes(raw.heapBytes) },
            ],
          })),
        },
      ],
      data: { count, measured },
    };
  },
};

async function createConversations({ apiUrl }: Nexus, count: number): Promise<string[]> {
  const api = createApiClient(() => apiUrl);
  return inBatches(Array.from({ length: count }), 16, async () => {
    return (await api.send<{ id: string }>('POST', '/api/conversations', {})).body.id;
  });
}

type Idle = { gateway: BenchProcess<unknown>; address: FanOutAddress };

const collectable = ['--expose-gc'];

async function openIdleGateway({ postgres, redis }: Nexus): Promise<Idle> {
  const port = await freePort();
  const gateway = await openProcess('idle gateway', 'services/gateway/src/main.ts', {
    env: { DATABASE_URL: postgres.url, REDIS_URL: redis.url, GATEWAY_PORT: String(port) },
    flags: [...collectable, '--import', './bench/idle/answer-memory.ts'],
  });
  const gatewayUrl = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${gatewayUrl}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitUntil(isReady, { what: 'the idle gateway', timeoutMs: 20_000, everyMs: 50 });
  return { gateway, address: { kind: 'nexus', gatewayUrl, redisUrl: redis.url } };
}

async function openIdleRaw(): Promise<Idle> {
  const gateway = await openProcess<{ url: string }>('idle raw Socket.IO', 'bench/baselines/raw/socket-server.ts', {
    flags: collectable,
  });
  return { gateway, address: { kind: 'raw', gatewayUrl: gateway.ready.url } };
}

/** Clients come, go and come again: what a first client makes a process load and compile is no client's memory. */
async function measure(release: Release, { gateway, address }: Idle, rooms: string[]): Promise<PerClient> {
  release(gateway.stop);
  const env = { BENCH_TARGET: JSON.stringify(address) };
  const clients = await openProcess('idle clients', 'bench/fan-out/main.ts', { env });
  release(clients.stop);
  await clients.call('open', { rooms: rooms.slice(0, Math.ceil(rooms.length / 4)) });
  await clients.call('close');
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = await gateway.call<Memory>('memory');
  await clients.call('open', { rooms });
  const after = await gateway.call<Memory>('memory');
  await clients.stop();
  await gateway.stop();
  return {
    heapBytes: (after.heapBytes - before.heapBytes) / rooms.length,
    rssBytes: (after.rssBytes - before.rssBytes) / rooms.length,
  };
}
