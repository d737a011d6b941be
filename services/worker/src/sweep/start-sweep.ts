import type { InvocationJob, InvocationQueues } from '@nexus/common/invocation-queue';
import type { Redis } from '@nexus/common/open-redis';
import { doChore } from './do-chore.ts';
import type { ChoreParts } from './end-unattended.ts';
import { type Chore, findChores } from './find-chores.ts';
import { createMissingJobFinder } from './find-missing-jobs.ts';
import type { RecoveryCause } from './recovery-cause.ts';

export type SweepParts = ChoreParts & {
  queues: InvocationQueues;
  /** The connection over which this worker is given its jobs. */
  queueRedis: Redis;
  isInHand: (job: InvocationJob) => boolean;
  onRecovered: (cause: RecoveryCause) => void;
  /** Of the worker that sweeps. */
  workerId: string;
};

const sweepEveryMs = 500;
/** Mostly of one worker that died: its attempts are not to wait for each other. */
const choresAtOnce = 4;

/** Every half second, a little jittered so that many workers do not sweep in step, until it is stopped. */
export function startSweep(parts: SweepParts): { stop(): Promise<void> } {
  const repairMissingJobs = createMissingJobFinder(parts);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let sweeping: Promise<void> = Promise.resolve();

  async function sweep(): Promise<void> {
    try {
      const chores = (await findChores(parts.database, parts.workerId)).values();
      await Promise.all(Array.from({ length: choresAtOnce }, () => doAll(chores)));
      if (parts.redis.status === 'ready') await repairMissingJobs();
    } catch (error) {
      parts.logger.warn({ error }, 'sweep failed');
    }
  }

  /** With others that take from the same list. */
  async function doAll(chores: Iterable<Chore>): Promise<void> {
    for (const chore of chores) {
      try {
        if (await doChore(parts, chore)) parts.onRecovered(chore.kind);
      } catch (error) {
        const { invocationId, kind } = chore;
        parts.logger.warn({ error, invocationId, chore: kind }, 'left for the next sweep');
      }
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
    },
  };
}
