import { describe, expect, it } from 'vitest';
import { fromDatabaseError, isDatabaseAway, isDatabaseReadOnly, mayPassLater } from './database-error.ts';

/** The error as `pg` throws it, and as Prisma passes it on. */
const shapesOf = (code: string) => [
  Object.assign(new Error('x'), { code }),
  Object.assign(new Error('x'), { code: 'P2010', meta: { driverAdapterError: { cause: { originalCode: code } } } }),
];

describe('errors of Postgres', () => {
  it.each([
    ['08000', '08001', '08003', '08004', '08006', '08P01'],
    ['53000', '53100', '53200', '53300', '53400'],
    ['57014', '57P01', '57P02', '57P03', '57P04', '57P05'],
    ['25P03', '25P04', '58030'],
    ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
    ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037'],
  ])('mean with %s and the like that it is away', (...codes) => {
    for (const error of codes.flatMap(shapesOf)) {
      expect([isDatabaseAway(error), mayPassLater(error)]).toEqual([true, true]);
      expect(fromDatabaseError(error)).toMatchObject({ code: 'database_unavailable', cause: error });
    }
  });

  it('tell a database that takes no writes from one that is away', () => {
    for (const error of shapesOf('25006')) {
      expect([isDatabaseAway(error), isDatabaseReadOnly(error), mayPassLater(error)]).toEqual([false, true, true]);
      expect(fromDatabaseError(error)).toMatchObject({ code: 'database_unavailable' });
    }
  });

  it('may pass later where others were in the way, and are ours all the same', () => {
    for (const error of ['40001', '40P01', '55P03'].flatMap(shapesOf)) {
      expect([isDatabaseAway(error), mayPassLater(error)]).toEqual([false, true]);
      expect(fromDatabaseError(error)).toBe(error);
    }
    const conflict = { code: 'P2034', cause: { kind: 'TransactionWriteConflict' } };
    expect(mayPassLater(conflict)).toBe(true);
  });

  it('stay where the statement is wrong, or the settings are', () => {
    for (const error of ['22P02', '23505', '28P01', '3D000', '42601', '42P01'].flatMap(shapesOf)) {
      expect([isDatabaseAway(error), isDatabaseReadOnly(error), mayPassLater(error)]).toEqual([false, false, false]);
      expect(fromDatabaseError(error)).toBe(error);
    }
  });
});
