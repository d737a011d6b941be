import type { InvocationMetrics } from '@nexus/common/invocations/invocation-metrics';
import type { WorkerMetrics } from '../worker-metrics.ts';
import type { InvocationRecord } from './record-invocation.ts';

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
      const written = await record.finish(claim, outcome);
      if (written) {
        invocations.ended(written.status, written);
        worker.finished(written);
        worker.used(claim, written.outcome.usage);
      }
      return written;
    },
    async handBack(claim, how) {
      const next = await record.handBack(claim, how);
      if (next) worker.used(claim, how.usage);
      return next;
    },
  };
}
