import type { Database } from '@nexus/common/postgres/open-database';
import type { InvocationQueues } from '@nexus/common/queue/invocation-queue';
import { providerNames } from '@nexus/common/queue/provider-name';
import { atMost } from '@nexus/common/timing/at-most';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { countWorkersOnline } from './invocations/count-workers-online.ts';

export type ApiMetrics = {
  created(provider: string): void;
  answered(request: { method: string; route: string; status: number; seconds: number }): void;
};

/** What is scraped may be away: the figures are missing then, the scrape goes on. Milliseconds. */
const collectLimitMs = 1_000;
const jobStates = ['waiting', 'active', 'delayed', 'failed'] as const;

/** Requests, and the state of the queues as seen from here: each API shows the same of the latter. */
export function createApiMetrics(
  registry: Registry,
  { database, queues }: { database: Database; queues: InvocationQueues },
): ApiMetrics {
  const registers = [registry];
  const durations = new Histogram({
    name: 'nexus_http_request_duration_seconds',
    help: 'Time from request to the end of the response, by route.',
    labelNames: ['method', 'route', 'status'],
    registers,
  });
  const created = new Counter({
    name: 'nexus_invocations_created_total',
    help: 'Invocations that were accepted.',
    labelNames: ['provider'],
    registers,
  });
  new Gauge({
    name: 'nexus_queue_jobs',
    help: 'Jobs in the queue of each provider, by state.',
    labelNames: ['provider', 'state'],
    registers,
    async collect() {
      this.reset();
      await bounded(async () => {
        for (const provider of providerNames) {
          const counts = await queues.queue(provider).getJobCounts(...jobStates);
          for (const state of jobStates) this.set({ provider, state }, counts[state] ?? 0);
        }
      });
    },
  });
  new Gauge({
    name: 'nexus_workers_online',
    help: 'Workers that could take an invocation of the provider now.',
    labelNames: ['provider'],
    registers,
    async collect() {
      this.reset();
      await bounded(async () => {
        for (const [provider, count] of Object.entries(await countWorkersOnline(database)))
          this.set({ provider }, count);
      });
    },
  });
  for (const provider of providerNames) created.inc({ provider }, 0);
  for (const status of ['202', '503']) durations.zero({ method: 'POST', route: '/api/invocations', status });

  return {
    created: (provider) => created.inc({ provider }),
    answered: ({ method, route, status, seconds }) => durations.observe({ method, route, status }, seconds),
  };
}

function bounded(collect: () => Promise<void>): Promise<void> {
  return atMost(
    collectLimitMs,
    collect().catch(() => {}),
    undefined,
  );
}
