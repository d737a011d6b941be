import type { Logger } from '@nexus/common/logging/create-logger';
import { lifeLockSpace } from '@nexus/common/postgres/is-life-lock-held';
import { postgresLimits } from '@nexus/common/postgres/postgres-limits';
import { sessionSettings } from '@nexus/common/postgres/session-settings';
import { liveness } from '@nexus/common/timing/liveness';
import pg from 'pg';

/**
 * When the network fails, Postgres keeps our old session and its lock until TCP gives up, which takes hours. So a new session ends the old
 * ones. Only this worker uses this key.
 */
const endFormerSessions = `
  SELECT pg_terminate_backend(pid) FROM pg_locks
  WHERE locktype = 'advisory' AND objsubid = 2 AND classid = $1::int::oid AND objid = $2::int::oid
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()`;

/** The primary does not see a lock that was taken on a standby. */
async function assertPrimary(client: pg.Client): Promise<void> {
  const question = { text: 'SELECT pg_is_in_recovery() AS "isStandby"', query_timeout: liveness.lockAnswerLimitMs };
  const { rows } = await client.query<{ isStandby: boolean }>(question as pg.QueryConfig);
  if (rows[0]?.isStandby) throw new Error('the address leads to a standby');
}

/**
 * Holds a session advisory lock on a connection of its own: Postgres drops the lock when the process dies. A connection that breaks, stops
 * answering or leads to a standby is replaced. Meanwhile the heartbeat shows that the worker lives. Calls `onHeld` each time it has taken
 * the lock.
 */
export function openLifeLock(
  databaseUrl: string,
  key: number,
  logger: Pick<Logger, 'warn'>,
  onHeld: () => void,
): { close(): Promise<void> } {
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'nexus-life-lock',
      ...postgresLimits,
    });
    client = next;
    next.on('error', (error) => logger.warn({ error }, 'the life lock lost its connection'));
    next.on('end', () => reconnectAfter(next, 0));
    try {
      await next.connect();
      await next.query(sessionSettings);
      await assertPrimary(next);
      await next.query(endFormerSessions, [lifeLockSpace, key]);
      await next.query('SELECT pg_advisory_lock($1, $2)', [lifeLockSpace, key]);
      timer = setTimeout(() => void ask(next), liveness.lockCheckEveryMs);
      onHeld();
    } catch (error) {
      logger.warn({ error }, 'the life lock could not be taken');
      giveUp(next);
    }
  }

  /** An idle connection does not fail when its server is gone or becomes a standby. Only a query shows it. */
  async function ask(which: pg.Client): Promise<void> {
    try {
      await assertPrimary(which);
      if (!closed && client === which) timer = setTimeout(() => void ask(which), liveness.lockCheckEveryMs);
    } catch (error) {
      logger.warn({ error }, 'the life lock lost its connection');
      giveUp(which);
    }
  }

  /** Does not await `end()`: on a dead connection it may never resolve. */
  function giveUp(which: pg.Client): void {
    reconnectAfter(which, liveness.lockRetryMs);
    which.end().catch(() => {});
  }

  function reconnectAfter(which: pg.Client, ms: number): void {
    if (closed || client !== which) return;
    client = undefined;
    clearTimeout(timer);
    timer = setTimeout(() => void connect(), ms);
  }

  void connect();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => {});
    },
  };
}
