import { liveness } from '@nexus/common/timing/liveness';
import { contextsPerStep, dropContexts } from './drop-contexts.ts';
import type { RecoveryParts } from './end-unattended.ts';
import { createMissingJobFinder, type MissingJobParts } from './find-missing-jobs.ts';
import { findRecoveries } from './find-recoveries.ts';
import { createLostReckoner, type ReckonerParts } from './reckon-lost.ts';
import { recoverInvocation } from './recover-invocation.ts';

export type SweepParts = Omit<RecoveryParts, 'onLost'> & MissingJobParts & ReckonerParts;

/** Contexts that nobody reads any more may stay a little longer. */
const dropEveryMs = 15_000;

/** Sweeps every half second until it is stopped. Jitter keeps many workers from sweeping at the same moment. */
export function startSweep(parts: SweepParts): { stop(): Promise<void> } {
  const repairMissingJobs = createMissingJobFinder(parts);
  const reckoner = createLostReckoner(parts);
  const recoveryParts: RecoveryParts = { ...parts, onLost: reckoner.add };
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let sweeping: Promise<void> = Promise.resolve();
  let dropAt = 0;

  async function sweep(): Promise<void> {
    try {
      for (const recovery of await findRecoveries(parts.database, parts.workerId)) {
        try {
          if (await recoverInvocation(recoveryParts, recovery)) parts.onRecovered(recovery.cause);
        } catch (error) {
          const { invocationId, cause } = recovery;
          parts.logger.warn({ error, invocationId, cause }, 'left for the next sweep');
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
      liveness.sweepEveryMs * (0.8 + Math.random() * 0.4),
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
