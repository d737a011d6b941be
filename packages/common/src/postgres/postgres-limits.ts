/**
 * Limits of a connection to Postgres, in milliseconds. A connection whose other end is gone without a word answers nothing and fails
 * nothing: a statement that waits longer than this for its answer gives the connection up, and may have taken effect all the same.
 * The wait for a connection is also that for a free one of the pool, which a burst of requests has to share.
 */
export const postgresLimits = { connectionTimeoutMillis: 5_000, query_timeout: 10_000, keepAlive: true };
