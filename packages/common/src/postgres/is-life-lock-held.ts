import { Prisma } from './open-database.ts';

/** The first key of every worker's advisory lock. The second is the worker's own, `worker.lock_key`. */
export const lifeLockSpace = 7_263_901;

/** A condition for a statement: whether some session has the life lock with this key. `key` is the name of a column. */
export function isLifeLockHeld(key: string): Prisma.Sql {
  return Prisma.sql`EXISTS (
    SELECT 1 FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = ${lifeLockSpace}::int::oid AND l.objid = ${Prisma.raw(key)}::int::oid
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;
}
