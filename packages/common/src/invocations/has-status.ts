import type { InvocationStatus } from '@nexus/protocol/invocation-status';
import { Prisma } from '../postgres/open-database.ts';

/**
 * Whether an invocation that a statement finds by its id has one of these statuses. The condition is written so that Postgres cannot use the
 * index on statuses for it: with old statistics it would choose that index, and read a whole backlog to find one row.
 */
export function hasStatus(row: string, ...statuses: InvocationStatus[]): Prisma.Sql {
  return Prisma.sql`(${Prisma.raw(row)}.status = ANY(${statuses}::"InvocationStatus"[])) IS TRUE`;
}
