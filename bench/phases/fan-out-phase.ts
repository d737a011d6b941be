import type { Broadcast, FanOutAddress } from '../fan-out/fan-out.ts';
import type { Figure } from '../figures/figure.ts';
import { median } from '../figures/percentile.ts';
import { toText, versus } from '../figures/versus.ts';
import { type BenchProcess, openProcess } from '../processes/open-process.ts';
import { cpuMs } from '../processes/process-usage.ts';
import type { Panel } from '../report/panel.ts';
import { type Parked, parkInvocation } from '../stack/park-invocation.ts';
import type { Release } from '../stack/releases.ts';
import { type Phase, type PhaseTools, scaled } from './phase.ts';

/** How many clients, and how many events they are sent in a round. */
const sizes = [
  { clients: 1, events: 3_000 },
  { clients: 10, events: 2_000 },
  { clients: 100, events: 400 },
  { clients: 1_000, events: 60 },
];

type Broadcaster = { name: string; driver: BenchProcess<null>; pid: number };
type Delivered = { perSecond: number; cpuUs: number };

/** One room, more and more clients; against Socket.IO that broadcasts the same events without Redis, log or feed. */
export const fanOutPhase: Phase = {
  name: 'fanout',
  title: 'fan-out to 1, 10, 100 and 1,000 clients of a room',
  async run(tools) {
    const { bench, release } = tools;
    const raw = await openProcess<{ url: string }>('raw Socket.IO', 'bench/baselines/raw/socket-server.ts');
    release(raw.stop);
    const { gatewayUrl, redis, roles } = bench.nexus;
    const broadcasters: Broadcaster[] = [
      {
        name: 'nexus',
        driver: await openDriver(release, { kind: 'nexus', gatewayUrl, redisUrl: redis.url }),
        pid: roles.gateway?.[0] ?? 0,
      },
      { name: 'raw', driver: await openDriver(release, { kind: 'raw', gatewayUrl: raw.ready.url }), pid: raw.pid },
    ];
    const rows = [];
    for (const size of sizes) rows.push(await measureSize(size, broadcasters, tools));
    return {
      lines: rows.map(
        ({ clients, nexus, raw }) =>
          `${String(clients).padStart(5)} clients: ${describe(nexus)}; raw Socket.IO ${describe(raw)}`,
      ),
      figures: rows.filter(({ clients }) => clients >= 100).map(toFigure),
      panels: [
        toPanel('room broadcast', 'deliveries per second', rows, ({ perSecond }) => perSecond),
        toPanel('room broadcast', 'CPU µs per delivery, gateway', rows, ({ cpuUs }) => cpuUs),
      ],
      data: rows,
    };
  },
};

type Row = { clients: number; nexus: Delivered; raw: Delivered };

function toPanel(title: string, unit: string, rows: Row[], of: (delivered: Delivered) => number): Panel {
  const groups = rows.map(({ clients, nexus, raw }) => ({
    label: `${clients} ${clients === 1 ? 'client' : 'clients'}`,
    bars: [
      { series: 'nexus', value: of(nexus) },
      { series: 'raw', value: of(raw) },
    ],
  }));
  return { title, unit, groups };
}

function toFigure({ clients, nexus, raw }: Row): Figure {
  const name = `room broadcast, ${clients} clients, deliveries per second`;
  return { ...versus(name, '/s', nexus.perSecond, raw.perSecond, 0.9, 'raw Socket.IO'), bound: 'least' };
}

function describe({ perSecond, cpuUs }: Delivered): string {
  return `${toText(perSecond)} deliveries/s, ${toText(cpuUs)} µs CPU each`;
}

async function openDriver(release: Release, address: FanOutAddress): Promise<BenchProcess<null>> {
  const env = { BENCH_TARGET: JSON.stringify(address) };
  const driver = await openProcess<null>(`${address.kind} fan-out`, 'bench/fan-out/main.ts', { env });
  release(driver.stop);
  return driver;
}

async function measureSize(size: (typeof sizes)[number], broadcasters: Broadcaster[], tools: PhaseTools) {
  const { bench, rounds, scale, say } = tools;
  const { clients } = size;
  const parked = await parkInvocation(bench.nexus);
  const events = scaled(size.events, scale);
  say(`${clients} clients`);
  const measured: Record<string, Delivered[]> = { nexus: [], raw: [] };
  try {
    for (const { driver } of broadcasters) {
      const { conversationId, invocationId, lastSeq } = parked;
      const rooms = Array.from({ length: clients }, () => conversationId);
      await driver.call('open', { rooms, invocationId, lastSeq });
      // One alone first: who has it is live; events that come while a client still catches up would reach it joined.
      await driver.call('broadcast', { conversationId, invocationId, events: 1 });
      await driver.call('broadcast', { conversationId, invocationId, events: Math.ceil(events / 2) });
    }
    for (let round = 1; round <= Math.max(2, Math.ceil(rounds * 0.6)); round += 1) {
      for (const each of round % 2 === 1 ? broadcasters : broadcasters.toReversed())
        measured[each.name]?.push(await deliver(each, parked, events));
    }
  } finally {
    for (const { driver } of broadcasters) await driver.call('close');
    await parked.cancel();
  }
  return { clients, nexus: toMedian(measured.nexus ?? []), raw: toMedian(measured.raw ?? []) };
}

async function deliver({ driver, pid }: Broadcaster, parked: Parked, events: number): Promise<Delivered> {
  const { conversationId, invocationId } = parked;
  const before = cpuMs(pid);
  const { deliveries, seconds } = await driver.call<Broadcast>('broadcast', { conversationId, invocationId, events });
  return { perSecond: deliveries / seconds, cpuUs: ((cpuMs(pid) - before) * 1_000) / deliveries };
}

function toMedian(rounds: Delivered[]): Delivered {
  return {
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    cpuUs: median(rounds.map(({ cpuUs }) => cpuUs)),
  };
}
