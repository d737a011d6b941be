import { Prisma } from './open-database.ts';

/**
 * The moment so many milliseconds ago, by the database's clock. The number is a constant of ours and part of the statement's text: with a
 * parameter in its place a prepared statement's generic plan could only guess how many rows are newer.
 */
export function msAgo(ms: number): Prisma.Sql {
  return Prisma.raw(`now() - interval '${ms} ms'`);
}
