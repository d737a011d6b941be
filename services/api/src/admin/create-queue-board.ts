import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { InvocationQueues } from '@nexus/common/queue/invocation-queue';
import { providerNames } from '@nexus/common/queue/provider-name';
import { Router } from 'express';
import helmet from 'helmet';
import { requireAdmin } from './require-admin.ts';

/** Bull Board over our queues, to look at: what a job is to do stands in Postgres, so there is nothing to change here. */
export function createQueueBoard(
  queues: Pick<InvocationQueues, 'queue'>,
  { path, password }: { path: string; password: string },
): Router {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(path);
  createBullBoard({
    queues: providerNames.map((name) => new BullMQAdapter(queues.queue(name), { readOnlyMode: true })),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Agent Nexus' } },
  });
  const router = Router();
  // The board's page carries its settings in a script of its own.
  router.use(requireAdmin(password), helmet({ contentSecurityPolicy: false }), serverAdapter.getRouter() as Router);
  return router;
}
