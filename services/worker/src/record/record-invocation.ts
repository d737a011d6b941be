import { setTimeout as sleep } from 'node:timers/promises';
import { dispatchInvocation } from '@nexus/common/invocations/dispatch-invocation';
import { type Claim, claimInvocations } from '@nexus/common/invocations/status/claim-invocations';
import { dispatchNext } from '@nexus/common/invocations/status/dispatch-next';
import type { DispatchRow } from '@nexus/common/invocations/status/dispatch-row';
import { type Finish, finishInvocations } from '@nexus/common/invocations/status/finish-invocations';
import type { Finished } from '@nexus/common/invocations/status/finished';
import { handBackInvocation } from '@nexus/common/invocations/status/hand-back-invocation';
import type { Outcome } from '@nexus/common/invocations/status/outcome';
import { readFinished } from '@nexus/common/invocations/status/read-finished';
import type { Logger } from '@nexus/common/logging/create-logger';
import { mayPassLater } from '@nexus/common/postgres/database-error';
import { joinCalls } from '@nexus/common/postgres/join-calls';
import type { Database } from '@nexus/common/postgres/open-database';
import type { InvocationJob, InvocationQueues } from '@nexus/common/queue/invocation-queue';
import { toRefused } from '../answer/ending.ts';

/** How it ended, and as what it was written. */
export type Written = Finished & { outcome: Outcome };

/** What a worker does to an invocation's row. Everything is tried again for as long as the database is away. */
export type InvocationRecord = {
  claim(job: InvocationJob): Promise<Claim | null>;
  /** What the database refuses for good ends as failed instead, without its text but with its usage. null: the row has moved on. */
  finish(claim: Claim, outcome: Outcome): Promise<Written | null>;
  handBack(claim: Claim, how: Parameters<typeof handBackInvocation>[2]): Promise<DispatchRow | null>;
  dispatch(next: DispatchRow): Promise<unknown>;
  /** Lets the next in the conversation's line go. Never rejects: the sweep does it otherwise. */
  dispatchNext(conversationId: string): Promise<void>;
};

const retryFirstMs = 100;
const retryMostMs = 2_000;

export function createInvocationRecord(parts: {
  database: Database;
  queues: InvocationQueues;
  logger: Logger;
  workerId: string;
  /** Whether this worker's heartbeat was heard just now. */
  isHeard: () => boolean;
  /** Aborted when nobody may wait for the database any longer. */
  giveUp: AbortSignal;
}): InvocationRecord {
  const { database, logger, workerId, isHeard, giveUp } = parts;
  const claim = joinCalls((jobs: InvocationJob[]) => claimInvocations(database, jobs, workerId), {
    keysOf: (job) => [job.invocationId],
  });
  const finish = joinCalls((finishes: Finish[]) => finishInvocations(database, 'running', finishes), {
    keysOf: ({ held }) => [held.conversationId],
  });

  async function untilItLands<T>(
    invocationId: string,
    write: () => Promise<T>,
    isWorthIt: (error: unknown) => boolean = mayPassLater,
  ): Promise<T> {
    for (let waitMs = retryFirstMs; ; waitMs = Math.min(waitMs * 2, retryMostMs)) {
      try {
        return await write();
      } catch (error) {
        if (!isWorthIt(error) || giveUp.aborted) throw error;
        logger.warn({ error, invocationId }, 'the database did not take the write, it is tried again');
        await sleep(waitMs, undefined, { signal: giveUp }).catch(() => {});
      }
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
    async finish(held, outcome) {
      let tries = 0;
      const write = (what: Outcome) => async (): Promise<Written | null> => {
        tries += 1;
        const finished = await finish({ held, outcome: what });
        const known = finished ?? (tries > 1 ? await readFinished(database, held) : null);
        return known && { ...known, outcome: what };
      };
      try {
        return await untilItLands(held.invocationId, write(outcome));
      } catch (error) {
        if (mayPassLater(error)) throw error; // given up as this worker stops: another attempt may have better luck
        const { invocationId, attempt } = held;
        logger.error({ error, invocationId, attempt }, 'the database refuses the answer, it ends as failed');
        // However long it takes: another attempt would be paid for, and refused as well.
        return untilItLands(invocationId, write(toRefused(outcome)), () => true);
      }
    },
    handBack: (held, how) => untilItLands(held.invocationId, () => handBackInvocation(database, held, how)),
    dispatch: (next) => dispatchInvocation(parts, next),
    async dispatchNext(conversationId) {
      try {
        const next = await dispatchNext(database, conversationId);
        if (next) await dispatchInvocation(parts, next);
      } catch (error) {
        logger.warn({ error, conversationId }, 'the next in line is left for the sweep');
      }
    },
  };
}
