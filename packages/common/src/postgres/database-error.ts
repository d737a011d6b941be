import { AppError } from '../errors/app-error.ts';

/** Postgres codes that mean the server is away, going away or too slow (57014: statement_timeout), not that the statement was wrong. */
const awayCodes = /^(08|57P0|57014|53)/;
const awaySystemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);
const awayPrismaCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024']);
const awayMessage =
  /connection terminated|query read timeout|timeout exceeded when trying to connect|connection ended|not queryable|ECONNREFUSED|ECONNRESET|terminating connection|the database system is/i;
const awayKinds = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TlsConnectionError',
]);

/** The error itself, then each cause, as Prisma nests them: `cause`, or `meta.driverAdapterError`. */
function* chainOf(error: unknown): Generator<Record<string, unknown>> {
  for (let depth = 0, next = error; depth < 6 && typeof next === 'object' && next !== null; depth += 1) {
    const link = next as Record<string, unknown>;
    yield link;
    const meta = link.meta as Record<string, unknown> | undefined;
    next = meta?.driverAdapterError ?? link.cause;
  }
}

/** Whether the database could not be reached, or dropped the connection: the statement may be tried again. */
export function isDatabaseAway(error: unknown): boolean {
  for (const link of chainOf(error)) {
    const code = String(link.originalCode ?? link.code ?? '');
    if (awayCodes.test(code) || awaySystemCodes.has(code) || awayPrismaCodes.has(code)) return true;
    if (typeof link.kind === 'string' && awayKinds.has(link.kind)) return true;
    if (link instanceof Error && link.name !== 'AppError' && awayMessage.test(link.message)) return true;
  }
  return false;
}

/** Deadlock, serialization failure, lock timeout, a standby that was not promoted yet. */
const passingCodes = /^(40|55P03|25006)/;

/** Whether the same statement may take effect later, unchanged: the database was away, or others were in the way. */
export function mayPassLater(error: unknown): boolean {
  if (isDatabaseAway(error)) return true;
  for (const link of chainOf(error)) if (passingCodes.test(String(link.originalCode ?? link.code ?? ''))) return true;
  return false;
}

/** Whether a unique constraint refused the row. */
export function isUniqueViolation(error: unknown): boolean {
  for (const link of chainOf(error)) {
    if (link.code === 'P2002' || link.originalCode === '23505' || link.code === '23505') return true;
  }
  return false;
}

/** A database failure as ours, at the edge where it enters. */
export function fromDatabaseError(error: unknown): unknown {
  return isDatabaseAway(error) ? new AppError('database_unavailable', undefined, { cause: error }) : error;
}
