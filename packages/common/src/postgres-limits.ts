/**
 * Limits of a connection to Postgres, in milliseconds. A connection whose other end is gone without a word answers nothing and fails
 * nothing: a statement that waits longer than this for its answer gives the connection up. It may have taken effect all the same.
 */
export const postgresLimits = { connectionTimeoutMillis: 2_000, query_timeout: 10_000, keepAlive: true };
