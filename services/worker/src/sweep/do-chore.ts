import { dispatchInvocation } from '@nexus/common/invocations/dispatch-invocation';
import { requestCancel } from '@nexus/common/invocations/request-cancel';
import { dispatchNext } from '@nexus/common/invocations/status/dispatch-next';
import { requeueLost } from '@nexus/common/invocations/status/requeue-lost';
import { type ChoreParts, endUnattended } from './end-unattended.ts';
import type { Chore } from './find-chores.ts';

/** After this many attempts that took their worker with them an invocation is not given to another. */
const mostLostAttempts = 3;

/** Finishes what was left undone. Each write is conditional: of several sweepers that try, one succeeds, and that one gets true. */
export async function doChore(parts: ChoreParts, chore: Chore): Promise<boolean> {
  const { database, logger } = parts;
  switch (chore.kind) {
    case 'enqueue':
      return dispatchInvocation(parts, { ...chore, begun: chore.attempt > 0 });
    case 'next': {
      const next = await dispatchNext(database, chore.conversationId);
      return next !== null && dispatchInvocation(parts, next);
    }
    case 'cancel':
      return (await requestCancel(parts, chore)) !== null;
    case 'expire':
      return endUnattended(parts, chore, 'queued', 'deadline_exceeded');
    case 'lost': {
      const { invocationId, workerId, attempt, lostAttempts } = chore;
      logger.warn({ invocationId, workerId, attempt }, 'its worker is dead');
      const givenUp = chore.cancelRequested || chore.onWorkerLoss === 'fail' || lostAttempts + 1 >= mostLostAttempts;
      if (givenUp) return endUnattended(parts, chore, 'running', 'worker_lost');
      if (workerId === null) return false;
      const next = await requeueLost(database, chore, workerId);
      if (!next) return false;
      await dispatchInvocation(parts, next);
      parts.onLost(chore);
      return true;
    }
  }
}
