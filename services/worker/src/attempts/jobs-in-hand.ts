import type { InvocationJob } from '@nexus/common/queue/invocation-queue';

type Process = (job: InvocationJob) => Promise<void>;

export type JobsInHand = {
  /** Counts a job as in hand from now on, until it has been processed. */
  add(job: InvocationJob): void;
  /** Wraps `process`: a job is in hand until `process` settles. */
  during(process: Process): Process;
  has(job: InvocationJob): boolean;
  invocationIds(): string[];
  size(): number;
  /** Resolves when no job is in hand. */
  whenEmpty(): Promise<void>;
};

/** The jobs of this process. There are more of them than attempts, because a job is in hand before its claim. */
export function createJobsInHand(): JobsInHand {
  const jobs = new Set<InvocationJob>();
  const onEmpty: (() => void)[] = [];
  return {
    add: (job) => void jobs.add(job),
    during: (process) => async (job) => {
      jobs.add(job);
      try {
        await process(job);
      } finally {
        jobs.delete(job);
        if (jobs.size === 0) for (const resolve of onEmpty.splice(0)) resolve();
      }
    },
    has({ invocationId, dispatch }) {
      for (const job of jobs) if (job.invocationId === invocationId && job.dispatch === dispatch) return true;
      return false;
    },
    size: () => jobs.size,
    invocationIds: () => [...jobs].map(({ invocationId }) => invocationId),
    whenEmpty: () => (jobs.size === 0 ? Promise.resolve() : new Promise((resolve) => void onEmpty.push(resolve))),
  };
}
