import type { InvocationJob } from '@nexus/common/invocation-queue';

type Process = (job: InvocationJob) => Promise<void>;

export type JobsInHand = {
  /** Counts a job as in hand from its delivery until all that it led to is done. */
  during(process: Process): Process;
  invocationIds(): string[];
  size(): number;
  /** Resolves once none is in hand. */
  whenEmpty(): Promise<void>;
};

/** The jobs of this process. Wider than its attempts: a job is in hand while its claim is still under way. */
export function createJobsInHand(): JobsInHand {
  const jobs = new Set<InvocationJob>();
  const onEmpty: (() => void)[] = [];
  return {
    during: (process) => async (job) => {
      jobs.add(job);
      try {
        await process(job);
      } finally {
        jobs.delete(job);
        if (jobs.size === 0) for (const resolve of onEmpty.splice(0)) resolve();
      }
    },
    size: () => jobs.size,
    invocationIds: () => [...jobs].map(({ invocationId }) => invocationId),
    whenEmpty: () => (jobs.size === 0 ? Promise.resolve() : new Promise((resolve) => void onEmpty.push(resolve))),
  };
}
