import type { WorkerMetrics } from '../worker-metrics.ts';
import type { InvocationRecord } from './record-invocation.ts';

/** Counts the writes of the record that took effect. An end is counted before it is announced: its reader may read the metrics next. */
export function meterRecord(record: InvocationRecord, metrics: Omit<WorkerMetrics, 'recovered'>): InvocationRecord {
  return {
    async claim(job) {
      const claim = await record.claim(job);
      if (claim) metrics.claimed(claim);
      return claim;
    },
    end: (claim, ending, announce) =>
      record.end(claim, ending, (ended, written) => {
        metrics.finished(ended);
        metrics.used(claim, written.step.usage);
        return announce(ended, written);
      }),
    async handBack(claim, how) {
      const took = await record.handBack(claim, how);
      if (took) metrics.used(claim, how.usage);
      return took;
    },
  };
}
