import { Prisma } from './open-database.ts';

/** First key of every worker's advisory lock; the second is the worker's own, `worker.lock_key`. */
export const lifeLockSpace = 7_263_901;

/** Whether anybody holds the life lock with this key, a column's name, as a condition in a statement. */
export function isLifeLockHeld(key: string): Prisma.Sql {
  return Prisma.sql`EXISTS (
    SELECT 1 FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = ${lifeLockSpace}::int::oid AND l.objid = ${Prisma.raw(key)}::int::oid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;
}
