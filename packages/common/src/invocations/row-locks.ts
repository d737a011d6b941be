import { inputRows } from '../postgres/input-rows.ts';
import { Prisma } from '../postgres/open-database.ts';
import type { InvocationJob } from '../queue/invocation-queue.ts';

/** A statement for several rows fails if one of them is locked. The caller then tries each row alone, so only the locked one waits. */
export function waitingOnlyAlone(items: unknown[]): Prisma.Sql {
  return items.length > 1 ? Prisma.sql`NOWAIT` : Prisma.empty;
}

const jobRows = inputRows<InvocationJob>('job', [
  ['id', 'uuid', (job) => job.invocationId],
  ['dispatch', 'int', (job) => job.dispatch],
]);

/**
 * The jobs as a statement's rows `job(id, dispatch, n)`, ordered by id: statements that lock several rows in the same order cannot deadlock.
 */
export function jobsInLockOrder(jobs: InvocationJob[]): Prisma.Sql {
  return jobRows(jobs.toSorted((a, b) => (a.invocationId < b.invocationId ? -1 : 1)));
}
