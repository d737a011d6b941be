import { setTimeout as sleep } from 'node:timers/promises';
import { dispatchInvocation } from '@nexus/common/invocations/dispatch-invocation';
import { type EndParts, endInvocation } from '@nexus/common/invocations/end-invocation';
import { type Claim, claimInvocations } from '@nexus/common/invocations/status/claim-invocations';
import type { Ended } from '@nexus/common/invocations/status/ended';
import type { Ending } from '@nexus/common/invocations/status/ending';
import { finishInvocations } from '@nexus/common/invocations/status/finish-invocations';
import { type HandBack, handBackInvocation } from '@nexus/common/invocations/status/hand-back-invocation';
import { readEnded } from '@nexus/common/invocations/status/read-ended';
import type { Logger } from '@nexus/common/logging/create-logger';
import { mayPassLater } from '@nexus/common/postgres/database-error';
import { joinCalls } from '@nexus/common/postgres/join-calls';
import type { InvocationJob } from '@nexus/common/queue/invocation-queue';
import { toRefused } from '../answer/to-ending.ts';

/** Publishes the end as it was written. `ending` is another one than requested if the database refused that. */
export type Announce = (ended: Ended, ending: Ending) => Promise<void>;

/** A worker's writes to an invocation's row. Each write is retried while the database is away. */
export type InvocationRecord = {
  /** null: the claim is refused. */
  claim(job: InvocationJob): Promise<Claim | null>;
  /**
   * Ends the invocation, and announces the end if the write took effect. False: the row has moved on. If the database refuses the ending for
   * good, the invocation ends as failed, without its text but with its usage.
   */
  end(claim: Claim, ending: Ending, announce: Announce): Promise<boolean>;
  /** Puts the invocation on the queue again. False: the row has moved on. */
  handBack(claim: Claim, how: HandBack): Promise<boolean>;
};

const retryFirstMs = 100;
const retryMaxMs = 2_000;

export type RecordParts = EndParts & {
  logger: Pick<Logger, 'warn' | 'error'>;
  workerId: string;
  /** Whether Postgres has acknowledged a heartbeat of this worker recently. */
  isHeard: () => boolean;
  /** Aborted when the shutdown can wait for the database no longer. */
  giveUp: AbortSignal;
};

export function createInvocationRecord(parts: RecordParts): InvocationRecord {
  const { database, logger, workerId, isHeard, giveUp } = parts;
  const claim = joinCalls((jobs: InvocationJob[]) => claimInvocations(database, jobs, workerId), {
    keysOf: (job) => [job.invocationId],
  });
  const finish = joinCalls((endings: Ending[]) => finishInvocations(database, 'running', endings), {
    keysOf: ({ conversationId }) => [conversationId],
  });

  async function untilItLands<T>(
    invocationId: string,
    write: () => Promise<T>,
    isWorthIt: (error: unknown) => boolean = mayPassLater,
  ): Promise<T> {
    for (let waitMs = retryFirstMs; ; waitMs = Math.min(waitMs * 2, retryMaxMs)) {
      try {
        return await write();
      } catch (error) {
        if (!isWorthIt(error) || giveUp.aborted) throw error;
        logger.warn({ error, invocationId }, 'the write failed and is tried again');
        await sleep(waitMs, undefined, { signal: giveUp }).catch(() => {});
      }
    }
  }

  async function writeEnd(ending: Ending): Promise<{ ended: Ended; as: Ending } | null> {
    let tries = 0;
    const write = (as: Ending) => async () => {
      tries += 1;
      const ended = (await finish(as)) ?? (tries > 1 ? await readEnded(database, as) : null);
      return ended && { ended, as };
    };
    try {
      return await untilItLands(ending.invocationId, write(ending));
    } catch (error) {
      if (mayPassLater(error)) throw error; // this worker stops: another attempt may succeed
      const { invocationId, attempt } = ending;
      logger.error({ error, invocationId, attempt }, 'the database refuses the answer, it ends as failed');
      // Retry after any error: another attempt would be paid for, and the database would refuse its answer too.
      return untilItLands(invocationId, write(toRefused(ending)), () => true);
    }
  }

  return {
    // If a try took effect but its reply was lost, Postgres refuses the next try. The heartbeat then gives back the claim.
    async claim(job) {
      for (;;) {
        let wasHeard = false;
        const claimed = await untilItLands(job.invocationId, () => {
          wasHeard = isHeard();
          return claim(job);
        });
        // Postgres also refuses a worker that counts as dead at that moment. Then the invocation may still be queued: try again.
        if (claimed || (wasHeard && isHeard()) || giveUp.aborted) return claimed;
        await sleep(retryFirstMs, undefined, { signal: giveUp }).catch(() => {});
      }
    },
    async end(_, ending, announce) {
      const write = () => writeEnd(ending);
      const end = await endInvocation(parts, ending.conversationId, write, (ended, { as }) => announce(ended, as));
      return end !== null;
    },
    async handBack(claim, how) {
      const next = await untilItLands(claim.invocationId, () => handBackInvocation(database, claim, how));
      if (next) await dispatchInvocation(parts, next);
      return next !== null;
    },
  };
}
