import type { InvocationJob } from './invocation-queue.ts';
import { Prisma } from './open-database.ts';

/** A row that somebody else has locked keeps only him waiting who wants it. */
export function waitingOnlyAlone(items: unknown[]): Prisma.Sql {
  return items.length > 1 ? Prisma.sql`NOWAIT` : Prisma.empty;
}

/** Statements that lock several rows take them in the same order, so that two of them do not wait for each other. */
export function inLockOrder(jobs: InvocationJob[]): InvocationJob[] {
  return jobs.toSorted((a, b) => (a.invocationId < b.invocationId ? -1 : 1));
}
