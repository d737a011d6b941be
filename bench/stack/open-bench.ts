import type { TargetAddress } from '../load/target.ts';
import { type BenchProcess, openProcess } from '../processes/open-process.ts';
import { type Nexus, openNexus } from './open-nexus.ts';
import { openPlain, type Plain } from './open-plain.ts';
import { openPostgres, openRedisServer } from './open-servers.ts';
import type { Release } from './releases.ts';
import type { Roles } from './roles.ts';

/** One of what is compared: its clients, in a process of their own, and its processes. */
export type Subject = { name: string; clients: BenchProcess<null>; roles: Roles };

export type Bench = { subjects: Subject[]; nexus: Nexus; plain: Plain; providerUrl: string };

/** Above what any phase asks at once: what waits in the queue is not what is compared. */
const concurrency = 256;

/** Everything that is measured against each other, all of it up at the same time. */
export async function openBench(release: Release): Promise<Bench> {
  const provider = await openProcess<{ url: string }>('provider', 'bench/provider/main.ts');
  release(provider.stop);
  const providerUrl = provider.ready.url;
  const postgres = await openPostgres(release);
  const nexusRedis = await openRedisServer(release);
  const plainRedis = await openRedisServer(release);
  const nexus = await openNexus({ postgres, redis: nexusRedis, providerUrl, concurrency }, release);
  const plain = await openPlain({ redis: plainRedis, providerUrl, concurrency }, release);

  const { apiUrl, gatewayUrl } = nexus;
  const subjects = [
    await openSubject(release, 'nexus', { kind: 'nexus', apiUrl, gatewayUrl }, nexus.roles),
    await openSubject(
      release,
      'plain',
      { kind: 'plain', apiUrl: plain.apiUrl, gatewayUrl: plain.gatewayUrl },
      plain.roles,
    ),
    await openSubject(release, 'direct', { kind: 'direct', providerUrl }, {}),
  ];
  return { subjects, nexus, plain, providerUrl };
}

export async function openSubject(
  release: Release,
  name: string,
  address: TargetAddress,
  roles: Roles,
): Promise<Subject> {
  const env = { BENCH_TARGET: JSON.stringify(address) };
  const clients = await openProcess<null>(`${name} clients`, 'bench/load/main.ts', { env });
  release(clients.stop);
  return { name, clients, roles };
}
