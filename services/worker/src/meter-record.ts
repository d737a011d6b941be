import type { InvocationMetrics } from '@nexus/common/invocation-metrics';
import type { InvocationRecord } from './record-invocation.ts';
import type { WorkerMetrics } from './worker-metrics.ts';

/** The record, counting what took effect. */
export function meterRecord(
  record: InvocationRecord,
  invocations: Pick<InvocationMetrics, 'ended'>,
  worker: Omit<WorkerMetrics, 'recovered'>,
): InvocationRecord {
  return {
    ...record,
    async claim(job) {
      const claim = await record.claim(job);
      if (claim) worker.claimed(claim);
      return claim;
    },
    async finish(claim, outcome) {
      const finished = await record.finish(claim, outcome);
      if (finished) {
        invocations.ended(finished.status, finished);
        worker.finished(finished);
        worker.used(claim, outcome.usage);
      }
      return finished;
    },
    async handBack(claim, how) {
      const next = await record.handBack(claim, how);
      if (next) worker.used(claim, how.usage);
      return next;
    },
  };
}
