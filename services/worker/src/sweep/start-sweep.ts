import { doChore } from './do-chore.ts';
import { contextsPerStep, dropContexts } from './drop-contexts.ts';
import type { ChoreParts } from './end-unattended.ts';
import { findChores } from './find-chores.ts';
import { createMissingJobFinder, type MissingJobParts } from './find-missing-jobs.ts';
import { createLostReckoner, type ReckonerParts } from './reckon-lost.ts';

export type SweepParts = Omit<ChoreParts, 'onLost'> & MissingJobParts & ReckonerParts;

const sweepEveryMs = 500;
/** What nobody reads any more may stay a little longer. */
const dropEveryMs = 15_000;

/** Every half second, a little jittered so that many workers do not sweep in step, until it is stopped. */
export function startSweep(parts: SweepParts): { stop(): Promise<void> } {
  const repairMissingJobs = createMissingJobFinder(parts);
  const reckoner = createLostReckoner(parts);
  const choreParts: ChoreParts = { ...parts, onLost: reckoner.add };
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let sweeping: Promise<void> = Promise.resolve();
  let dropAt = 0;

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
      if (performance.now() >= dropAt) await dropSome();
    } catch (error) {
      parts.logger.warn({ error }, 'sweep failed');
    }
  }

  /** One step a sweep, and a pause once there is nothing left. */
  async function dropSome(): Promise<void> {
    const dropped = await dropContexts(parts.database);
    if (dropped < contextsPerStep) dropAt = performance.now() + dropEveryMs;
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
