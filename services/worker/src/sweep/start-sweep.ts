import type { InvocationJob, InvocationQueues } from '@nexus/common/queue/invocation-queue';
import type { Redis } from '@nexus/common/redis/open-redis';
import type { WorkerMetrics } from '../worker-metrics.ts';
import { doChore } from './do-chore.ts';
import type { ChoreParts } from './end-unattended.ts';
import { findChores } from './find-chores.ts';
import { createMissingJobFinder } from './find-missing-jobs.ts';
import { createLostReckoner } from './reckon-lost.ts';
import type { RecoveryCause } from './recovery-cause.ts';

export type SweepParts = Omit<ChoreParts, 'onLost'> & {
  queues: InvocationQueues;
  /** The connection over which this worker is given its jobs. */
  queueRedis: Redis;
  isInHand: (job: InvocationJob) => boolean;
  onRecovered: (cause: RecoveryCause) => void;
  onUsed: WorkerMetrics['used'];
  /** Of the worker that sweeps. */
  workerId: string;
};

const sweepEveryMs = 500;

/** Every half second, a little jittered so that many workers do not sweep in step, until it is stopped. */
export function startSweep(parts: SweepParts): { stop(): Promise<void> } {
  const repairMissingJobs = createMissingJobFinder(parts);
  const reckoner = createLostReckoner(parts);
  const choreParts: ChoreParts = { ...parts, onLost: reckoner.add };
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let sweeping: Promise<void> = Promise.resolve();

  async function sweep(): Promise<void> {
    try {
      for (const chore of await findChores(parts.database, parts.workerId)) {
        try {
          if (await doChore(choreParts, chore)) parts.onRecovered(chore.kind);
        } catch (error) {
          const { invocationId, kind } = chore;
          parts.logger.warn({ error, invocationId, chore: kind }, 'left for the next sweep');
        }
      }
      if (parts.redis.status === 'ready') await repairMissingJobs();
    } catch (error) {
      parts.logger.warn({ error }, 'sweep failed');
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(
      () => {
        sweeping = sweep().finally(schedule);
      },
      sweepEveryMs * (0.8 + Math.random() * 0.4),
    );
  }

  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await sweeping;
      await reckoner.stop();
    },
  };
}
