import pg from 'pg';

/** How often each statement ran, by Postgres's id for it. The text does not do as a key: it is kept with or without its values. */
export type Statements = Map<string, { query: string; calls: number }>;

export type StatementCounter = {
  /** The statements since the last call. */
  take(): Promise<Statements>;
  close(): Promise<void>;
};

/** Reads `pg_stat_statements`, which also counts BEGIN and COMMIT. */
export async function openStatementCounter(url: string): Promise<StatementCounter> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    async take() {
      const { rows } = await client.query<{ id: string; query: string; calls: string }>(
        `SELECT queryid::text AS id, min(query) AS query, sum(calls)::bigint AS calls FROM pg_stat_statements
         WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query NOT LIKE '%pg_stat_statements%'
         GROUP BY queryid`,
      );
      await client.query('SELECT pg_stat_statements_reset()');
      return new Map(rows.map(({ id, query, calls }) => [id, { query, calls: Number(calls) }]));
    },
    close: () => client.end(),
  };
}

/** Leaves out statements that also run without any work (heartbeats, sweeps), and those by which a pool opens a connection. */
export function statementsOfWork(working: Statements, idle: Statements): Statements {
  return new Map([...working].filter(([id, { query }]) => !idle.has(id) && !query.startsWith('SET ')));
}

export function countOf(statements: Statements): number {
  return [...statements.values()].reduce((sum, { calls }) => sum + calls, 0);
}
