import type { Load, Samples } from '../load/load.ts';
import type { Subject } from '../stack/open-bench.ts';
import { cpuByRole, difference, memoryByRole, type PerRole } from '../stack/roles.ts';

/** One subject under one load, once. */
export type Measurement = Samples & { cpuMs: PerRole; memoryBytes: PerRole };

/** Work that is done after the last client has its answer belongs to the answers too. */
const settleMs = 150;

export async function measureLoad({ clients, roles }: Subject, load: Load): Promise<Measurement> {
  await clients.call('open', load);
  await settle();
  const before = cpuByRole(roles);
  const samples = await clients.call<Samples>('run', load);
  await settle();
  const cpuMs = difference(cpuByRole(roles), before);
  const memoryBytes = memoryByRole(roles);
  await clients.call('close');
  return { ...samples, cpuMs, memoryBytes };
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs));
}
