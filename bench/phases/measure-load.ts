import { setTimeout as sleep } from 'node:timers/promises';
import type { Load, Samples } from '../load/load.ts';
import type { Subject } from '../stack/open-bench.ts';
import { cpuByRole, difference, memoryByRole, type PerRole } from '../stack/roles.ts';

/** One round of one subject. */
export type Measurement = Samples & { cpuMs: PerRole; memoryBytes: PerRole };

/** A subject also works after the last client has its answer: that work counts too. */
const settleMs = 150;

export async function measureLoad({ clients, roles }: Subject, load: Load): Promise<Measurement> {
  await clients.call('open', load);
  await sleep(settleMs);
  const before = cpuByRole(roles);
  const samples = await clients.call<Samples>('run', load);
  await sleep(settleMs);
  const cpuMs = difference(cpuByRole(roles), before);
  const memoryBytes = memoryByRole(roles);
  await clients.call('close');
  return { ...samples, cpuMs, memoryBytes };
}
