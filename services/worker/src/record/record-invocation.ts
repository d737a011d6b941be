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

/** Publishes what was written: `ending` is not the one that was asked for where the database refused that. */
export type Announce = (ended: Ended, ending: Ending) => Promise<void>;

/** What a worker does to an invocation's row. Every write is tried again for as long as the database is away. */
export type InvocationRecord = {
  /** null: the claim is refused. */
  claim(job: InvocationJob): Promise<Claim | null>;
  /**
   * Ends the invocation, and announces that if it took effect. False: the row has moved on. An ending that the database refuses for good
   * is written as failed instead, without its text but with its usage.
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
  /** Whether this worker's heartbeat was heard just now. */
  isHeard: () => boolean;
  /** Aborted when nobody may wait for the database any longer. */
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
        logger.warn({ error, invocationId }, 'the database did not take the write, it is tried again');
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
      if (mayPassLater(error)) throw error; // given up as this worker stops: another attempt may have better luck
      const { invocationId, attempt } = ending;
      logger.error({ error, invocationId, attempt }, 'the database refuses the answer, it ends as failed');
      // However long it takes: another attempt would be paid for, and refused as well.
      return untilItLands(invocationId, write(toRefused(ending)), () => true);
    }
  }

  return {
    // Where a try took effect unheard, the next one is refused, and the heartbeat gives back what the first one took.
    async claim(job) {
      for (;;) {
        let wasHeard = false;
        const claimed = await untilItLands(job.invocationId, () => {
          wasHeard = isHeard();
          return claim(job);
        });
        // Refused, perhaps because this worker counted as dead at that moment: then the job is still good.
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
