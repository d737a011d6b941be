import type { InvocationStatus } from '@nexus/protocol/invocation-status';
import { Prisma } from '../postgres/open-database.ts';

/**
 * Whether an invocation that a statement looks up by its id has one of these statuses, as a condition that no index serves: what Postgres
 * knew of the statuses when it made its plan is over, and by the index on them it would go through a whole backlog for one row.
 */
export function hasStatus(row: string, ...statuses: InvocationStatus[]): Prisma.Sql {
  return Prisma.sql`(${Prisma.raw(row)}.status = ANY(${statuses}::"InvocationStatus"[])) IS TRUE`;
}
