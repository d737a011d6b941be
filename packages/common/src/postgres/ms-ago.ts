import { Prisma } from './open-database.ts';

/**
 * The time this many milliseconds ago, by the database's clock. The number is part of the statement's text, not a parameter: with a parameter the
 * generic plan of a prepared statement could only guess how many rows are newer. So pass constants only.
 */
export function msAgo(ms: number): Prisma.Sql {
  return Prisma.raw(`now() - interval '${ms} ms'`);
}
