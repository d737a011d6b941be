import { dispatchInvocation } from '@nexus/common/invocations/dispatch-invocation';
import { requestCancel } from '@nexus/common/invocations/request-cancel';
import { dispatchNext } from '@nexus/common/invocations/status/dispatch-next';
import { requeueLost } from '@nexus/common/invocations/status/requeue-lost';
import { endUnattended, type RecoveryParts } from './end-unattended.ts';
import type { Recovery } from './find-recoveries.ts';

/** After this many lost attempts the invocation fails, because it may be the cause of the deaths. */
const maxLostAttempts = 3;

/** Does one recovery. Each write is conditional: if several sweeps try, one succeeds, and only that one gets true. */
export async function recoverInvocation(parts: RecoveryParts, recovery: Recovery): Promise<boolean> {
  const { database, logger } = parts;
  switch (recovery.cause) {
    case 'enqueue':
      return dispatchInvocation(parts, { ...recovery, begun: recovery.attempt > 0 });
    case 'next': {
      const next = await dispatchNext(database, recovery.conversationId);
      return next !== null && dispatchInvocation(parts, next);
    }
    case 'cancel':
      return (await requestCancel(parts, recovery)) !== null;
    case 'expire':
      return endUnattended(parts, recovery, { from: 'queued', code: 'deadline_exceeded' });
    case 'lost': {
      const { invocationId, workerId, attempt, lostAttempts } = recovery;
      logger.warn({ invocationId, workerId, attempt }, 'its worker is dead');
      const givenUp =
        recovery.cancelRequested || recovery.onWorkerLoss === 'fail' || lostAttempts + 1 >= maxLostAttempts;
      if (givenUp) return endUnattended(parts, recovery, { from: 'running', code: 'worker_lost' });
      if (workerId === null) return false;
      const next = await requeueLost(database, recovery, workerId);
      if (!next) return false;
      await dispatchInvocation(parts, next);
      parts.onLost(recovery);
      return true;
    }
  }
}
