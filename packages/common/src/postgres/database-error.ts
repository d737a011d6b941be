import { AppError } from '../errors/app-error.ts';

/**
 * Postgres codes for a server that is away, stops, lacks a resource or is too slow. The statement itself was not wrong. 57014 is
 * `statement_timeout`, 25P03 and 25P04 are other timeouts, 58030 is a disk that fails.
 */
const awayCodes = /^(08|57P0|57014|53|58030|25P0[34])/;
const awaySystemCodes = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EADDRNOTAVAIL',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);
const awayPrismaCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2037']);
const awayMessage =
  /connection terminated|query read timeout|timeout exceeded when trying to connect|connection ended|not queryable|ECONNREFUSED|ECONNRESET|terminating connection|the database system is/i;
const awayKinds = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TlsConnectionError',
]);

/** The code with which a standby refuses a write, and a primary with `default_transaction_read_only`. */
const readOnlyCode = '25006';

/** The error itself, then each cause. Prisma nests them in `cause` or in `meta.driverAdapterError`. */
function* chainOf(error: unknown): Generator<Record<string, unknown>> {
  for (let depth = 0, next = error; depth < 6 && typeof next === 'object' && next !== null; depth += 1) {
    const link = next as Record<string, unknown>;
    yield link;
    const meta = link.meta as Record<string, unknown> | undefined;
    next = meta?.driverAdapterError ?? link.cause;
  }
}

function codeOf(link: Record<string, unknown>): string {
  return String(link.originalCode ?? link.code ?? '');
}

/** Whether the database could not be reached, or dropped the connection. The statement may be tried again. */
export function isDatabaseAway(error: unknown): boolean {
  for (const link of chainOf(error)) {
    const code = codeOf(link);
    if (awayCodes.test(code) || awaySystemCodes.has(code) || awayPrismaCodes.has(code)) return true;
    if (typeof link.kind === 'string' && awayKinds.has(link.kind)) return true;
    if (link instanceof Error && link.name !== 'AppError' && awayMessage.test(link.message)) return true;
  }
  return false;
}

/** Whether the server behind the connection takes no writes. */
export function isDatabaseReadOnly(error: unknown): boolean {
  for (const link of chainOf(error)) if (codeOf(link) === readOnlyCode) return true;
  return false;
}

/** Whether every such statement would fail now. */
export function isDatabaseUnavailable(error: unknown): boolean {
  return isDatabaseAway(error) || isDatabaseReadOnly(error);
}

/** Deadlock, serialization failure, lock timeout. */
const passingCodes = /^(40|55P03)/;

/** Whether the same statement may succeed later, unchanged: the database was away, or another transaction blocked it. */
export function mayPassLater(error: unknown): boolean {
  if (isDatabaseUnavailable(error)) return true;
  for (const link of chainOf(error))
    if (passingCodes.test(codeOf(link)) || link.kind === 'TransactionWriteConflict') return true;
  return false;
}

/** Whether a unique constraint refused the row. */
export function isUniqueViolation(error: unknown): boolean {
  for (const link of chainOf(error)) {
    if (link.code === 'P2002' || link.originalCode === '23505' || link.code === '23505') return true;
  }
  return false;
}

/** Translates an unavailable database to `database_unavailable`. Other errors pass unchanged. */
export function fromDatabaseError(error: unknown): unknown {
  return isDatabaseUnavailable(error) ? new AppError('database_unavailable', undefined, { cause: error }) : error;
}
