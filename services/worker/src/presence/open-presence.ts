import { AppError } from '@nexus/common/errors/app-error';
import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import type { Logger } from '@nexus/common/logging/create-logger';
import type { PrismaClient } from '@nexus/common/postgres/open-database';
import { liveness } from '@nexus/common/timing/liveness';
import type { RunningAttempts } from '../attempts/running-attempts.ts';
import { openLifeLock } from './life-lock.ts';
import { beatHeart, registerWorker, unregisterWorker, type WorkerIdentity } from './worker-row.ts';

export type Presence = {
  /** Since the last heartbeat that was heard was sent. */
  lastBeatAgoMs(): number;
  close(): Promise<void>;
};

/**
 * Makes this worker known as alive until it is closed, stops the attempts of which Postgres says that they must, and gives back those
 * of which it knows nothing: a claim can take effect whose answer never arrives, seconds after this side has given it up.
 */
export async function openPresence(parts: {
  database: PrismaClient;
  databaseUrl: string;
  worker: WorkerIdentity;
  attempts: RunningAttempts;
  /** The invocations of all jobs that were delivered and are not done with. */
  inHand: () => string[];
  giveBack: (claimed: AttemptId) => Promise<unknown>;
  logger: Logger;
}): Promise<Presence> {
  const { database, worker, attempts, inHand, giveBack, logger } = parts;
  const lockKey = await registerWorker(database, worker);
  let lastBeatAt = performance.now();
  let beating = false;

  async function beat(): Promise<void> {
    const beatAt = performance.now(); // Postgres counts from when it is told, not from when we hear that it was
    const { known, verdicts, notInHand } = await beatHeart(database, worker.id, attempts.list(), inHand());
    lastBeatAt = beatAt;
    if (!known) await registerWorker(database, worker);
    for (const { invocationId, verdict } of verdicts) {
      attempts.abort(invocationId, new AppError(verdict === 'lost' ? 'claim_lost' : 'cancelled'));
    }
    for (const claimed of notInHand) {
      if (inHand().includes(claimed.invocationId)) continue; // delivered while the statement was on its way
      logger.warn({ ...claimed }, 'a claim that was not heard of is given back');
      await giveBack(claimed);
    }
  }

  function beatOnce(): void {
    if (beating) return;
    beating = true;
    beat()
      .catch((error: unknown) => logger.warn({ error }, 'heartbeat failed'))
      .finally(() => {
        beating = false;
      });
  }

  const timer = setInterval(beatOnce, liveness.beatEveryMs);
  const lock = openLifeLock(parts.databaseUrl, lockKey, logger, beatOnce);

  return {
    lastBeatAgoMs: () => performance.now() - lastBeatAt,
    async close() {
      clearInterval(timer);
      await lock.close();
      await unregisterWorker(database, worker.id);
    },
  };
}
