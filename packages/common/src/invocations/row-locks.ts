import { inputRows } from '../postgres/input-rows.ts';
import { Prisma } from '../postgres/open-database.ts';
import type { InvocationJob } from '../queue/invocation-queue.ts';

/** A row that somebody else has locked keeps only him waiting who wants it. */
export function waitingOnlyAlone(items: unknown[]): Prisma.Sql {
  return items.length > 1 ? Prisma.sql`NOWAIT` : Prisma.empty;
}

const jobRows = inputRows<InvocationJob>('job', [
  ['id', 'uuid', (job) => job.invocationId],
  ['dispatch', 'int', (job) => job.dispatch],
]);

/**
 * The jobs as a statement's rows `job(id, dispatch, n)`. Statements that lock several rows take them in the same order, so that two of them do
 * not wait for each other.
 */
export function jobsInLockOrder(jobs: InvocationJob[]): Prisma.Sql {
  return jobRows(jobs.toSorted((a, b) => (a.invocationId < b.invocationId ? -1 : 1)));
}
