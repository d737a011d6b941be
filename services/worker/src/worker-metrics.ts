import { answerBuckets } from '@nexus/common/invocations/invocation-metrics';
import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import type { Ended } from '@nexus/common/invocations/status/ended';
import type { AttemptUsage } from '@nexus/common/invocations/usage-record';
import { providerNames } from '@nexus/common/queue/provider-name';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { RunningAttempts } from './attempts/running-attempts.ts';
import { type RecoveryCause, recoveryCauses } from './sweep/recovery-cause.ts';
import { priceTable } from './usage/price-table.ts';

/** The metrics of a worker, in addition to those of every service. */
export type WorkerMetrics = {
  claimed(claim: Claim): void;
  finished(ended: Ended): void;
  used(of: Pick<Claim, 'settings'>, usage: AttemptUsage | null): void;
  recovered(cause: RecoveryCause): void;
};

/** Requests may name any model. After this many, all further models share the label `other`. */
const maxModels = 100;

export function createWorkerMetrics(
  registry: Registry,
  running: () => ReturnType<RunningAttempts['list']>,
): WorkerMetrics {
  const registers = [registry];
  const queueWait = new Histogram({
    name: 'nexus_invocation_queue_wait_seconds',
    help: 'Time from the request to its first attempt.',
    labelNames: ['provider'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers,
  });
  const firstToken = new Histogram({
    name: 'nexus_invocation_time_to_first_token_seconds',
    help: 'Time from the request to the first part of its answer.',
    labelNames: ['provider'],
    buckets: answerBuckets,
    registers,
  });
  const tokens = new Counter({
    name: 'nexus_tokens_total',
    help: 'Tokens, as the provider counted them or as we estimated.',
    labelNames: ['direction', 'provider', 'model'],
    registers,
  });
  const cost = new Counter({
    name: 'nexus_cost_usd_total',
    help: 'Cost in USD by list price, of models whose price is known.',
    labelNames: ['provider', 'model'],
    registers,
  });
  const recoveries = new Counter({
    name: 'nexus_recoveries_total',
    help: 'Invocations that this worker recovered, by cause.',
    labelNames: ['cause'],
    registers,
  });
  new Gauge({
    name: 'nexus_attempts_active',
    help: 'Attempts that run in this worker.',
    labelNames: ['provider'],
    registers,
    collect() {
      for (const provider of providerNames) this.set({ provider }, 0);
      for (const { provider } of running()) this.inc({ provider });
    },
  });

  const models = new Set<string>();
  for (const provider of providerNames) {
    queueWait.zero({ provider });
    firstToken.zero({ provider });
    for (const model of Object.keys(priceTable[provider]).filter((name) => name !== '')) {
      models.add(model);
      cost.inc({ provider, model }, 0);
      for (const direction of ['input', 'cached', 'output']) tokens.inc({ direction, provider, model }, 0);
    }
  }
  for (const cause of recoveryCauses) recoveries.inc({ cause }, 0);

  function labelOf(model: string): string {
    if (!models.has(model) && models.size < maxModels) models.add(model);
    return models.has(model) ? model : 'other';
  }

  return {
    claimed({ attempt, settings, waitedMs }) {
      if (attempt === 1) queueWait.observe({ provider: settings.provider }, waitedMs / 1_000);
    },
    finished({ provider, firstPartMs }) {
      if (firstPartMs !== null) firstToken.observe({ provider }, firstPartMs / 1_000);
    },
    used({ settings: { provider, model } }, usage) {
      if (!usage) return;
      const labels = { provider, model: labelOf(model) };
      tokens.inc({ direction: 'input', ...labels }, usage.inputTokens);
      tokens.inc({ direction: 'cached', ...labels }, usage.cachedTokens);
      tokens.inc({ direction: 'output', ...labels }, usage.outputTokens);
      if (usage.costMicroUsd !== null) cost.inc(labels, Number(usage.costMicroUsd) / 1e6);
    },
    recovered: (cause) => recoveries.inc({ cause }),
  };
}
