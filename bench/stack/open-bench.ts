import type { TargetAddress } from '../load/target.ts';
import { type BenchProcess, openProcess } from '../processes/open-process.ts';
import { type Nexus, openNexus } from './open-nexus.ts';
import { openPlain } from './open-plain.ts';
import { openPostgres, openRedisServer } from './open-servers.ts';
import type { Release } from './releases.ts';
import type { Roles } from './roles.ts';

/** One side of a comparison: its clients, in a process of their own, and its processes. */
export type Subject = { name: string; clients: BenchProcess<null>; roles: Roles };

export type Bench = { subjects: [nexus: Subject, plain: Subject]; nexus: Nexus };

/** More than any phase asks at once: we do not compare the time that a job waits for a slot. */
const concurrency = 256;

/** Opens the system and the baseline, which run at the same time. */
export async function openBench(release: Release): Promise<Bench> {
  const provider = await openProcess<{ url: string }>('provider', 'bench/provider/main.ts');
  release(provider.stop);
  const shared = { providerUrl: provider.ready.url, concurrency };
  const postgres = await openPostgres(release);
  const nexus = await openNexus({ postgres, redis: await openRedisServer(release), ...shared }, release);
  const plain = await openPlain({ redis: await openRedisServer(release), ...shared }, release);
  const open = (kind: 'nexus' | 'plain', { apiUrl, gatewayUrl, roles }: typeof plain) =>
    openSubject(release, kind, { kind, apiUrl, gatewayUrl }, roles);
  return { subjects: [await open('nexus', nexus), await open('plain', plain)], nexus };
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
