import type { AttemptUsage } from '@nexus/common/invocations/usage-record';
import type { Usage } from '@nexus/protocol/event';
import { costOf } from './cost-of.ts';

/** Adds the cost to the usage, if the price is known. */
export function priceUsage({ provider, model }: { provider: string; model: string }, usage: Usage): AttemptUsage {
  const cost = costOf(provider, model, usage);
  return { ...usage, costMicroUsd: cost?.costMicroUsd ?? null, priceTableVersion: cost?.priceTableVersion ?? null };
}
