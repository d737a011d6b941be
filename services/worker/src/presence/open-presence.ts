import { AppError } from '@nexus/common/errors/app-error';
import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import type { Logger } from '@nexus/common/logging/create-logger';
import type { Database } from '@nexus/common/postgres/open-database';
import { liveness } from '@nexus/common/timing/liveness';
import type { RunningAttempts } from '../attempts/running-attempts.ts';
import { openLifeLock } from './life-lock.ts';
import { beatHeart, registerWorker, unregisterWorker, type WorkerIdentity } from './worker-row.ts';

export type Presence = {
  /** Milliseconds since this worker sent the last heartbeat that Postgres acknowledged. */
  lastBeatAgoMs(): number;
  close(): Promise<void>;
};

/**
 * Sends heartbeats until it is closed. Aborts the attempts that Postgres reports as lost or cancelled. Gives back the claims that this worker
 * does not know: a claim can take effect although its reply never arrives, seconds after the worker gave up the query.
 */
export async function openPresence(parts: {
  database: Database;
  databaseUrl: string;
  worker: WorkerIdentity;
  attempts: RunningAttempts;
  /** The invocation ids of all jobs in hand. */
  inHand: () => string[];
  giveBack: (claimed: AttemptId) => Promise<unknown>;
  logger: Logger;
}): Promise<Presence> {
  const { database, worker, attempts, inHand, giveBack, logger } = parts;
  const lockKey = await registerWorker(database, worker);
  let lastBeatAt = performance.now();
  let beating = false;

  async function beat(): Promise<void> {
    const beatAt = performance.now(); // before the query: Postgres counts from when it gets the beat, not from its reply
    const { known, verdicts, notInHand } = await beatHeart(database, worker.id, attempts.list(), inHand());
    lastBeatAt = beatAt;
    if (!known) await registerWorker(database, worker);
    for (const { invocationId, verdict } of verdicts) {
      attempts.abort(invocationId, new AppError(verdict === 'lost' ? 'claim_lost' : 'cancelled'));
    }
    for (const claimed of notInHand) {
      if (inHand().includes(claimed.invocationId)) continue; // its job arrived while the statement ran
      logger.warn({ ...claimed }, 'gives back a claim whose reply was lost');
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
