/**
 * Limits of a connection to Postgres, in milliseconds. A half-open connection neither answers nor fails. So a statement that waits longer than
 * `query_timeout` gives the connection up; it may still have taken effect. `connectionTimeoutMillis` is also the wait for a free connection of the
 * pool.
 */
export const postgresLimits = { connectionTimeoutMillis: 5_000, query_timeout: 10_000, keepAlive: true };
