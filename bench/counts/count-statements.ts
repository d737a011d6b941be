import pg from 'pg';

/** How often each statement ran, by its text with the values left out. */
export type Statements = Map<string, number>;

export type StatementCounter = {
  /** What ran since the last time it was asked. */
  take(): Promise<Statements>;
  close(): Promise<void>;
};

/** Postgres counts its statements itself; BEGIN and COMMIT are statements too. */
export async function openStatementCounter(url: string): Promise<StatementCounter> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    async take() {
      const { rows } = await client.query<{ query: string; calls: string }>(
        `SELECT query, sum(calls)::bigint AS calls FROM pg_stat_statements
         WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query NOT LIKE '%pg_stat_statements%'
         GROUP BY query`,
      );
      await client.query('SELECT pg_stat_statements_reset()');
      return new Map(rows.map(({ query, calls }) => [query, Number(calls)]));
    },
    close: () => client.end(),
  };
}

/**
 * Statements that belong to the work and not to the clock: those that also run while there is no work (heartbeats, sweeps) are left out
 * altogether.
 */
export function countOfWork(working: Statements, idle: Statements): number {
  let count = 0;
  for (const [query, calls] of working) if (!idle.has(query)) count += calls;
  return count;
}
