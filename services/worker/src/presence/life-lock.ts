import type { Logger } from '@nexus/common/create-logger';
import { postgresLimits } from '@nexus/common/postgres-limits';
import pg from 'pg';

/** First key of every worker's advisory lock; the second is the worker's own. The sweep looks for the pair in pg_locks. */
export const lifeLockSpace = 7_263_901;

const retryMs = 250;

/**
 * Holds a session advisory lock on a connection of its own for as long as this process lives: the server drops it the moment the
 * process dies. A connection that breaks is replaced at once; meanwhile the heartbeat keeps the worker alive.
 */
export function openLifeLock(
  databaseUrl: string,
  key: number,
  logger: Pick<Logger, 'warn'>,
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
      await next.query('SELECT pg_advisory_lock($1, $2)', [lifeLockSpace, key]);
    } catch (error) {
      logger.warn({ error }, 'the life lock could not be taken');
      await next.end().catch(() => {});
      reconnectAfter(next, retryMs);
    }
  }

  function reconnectAfter(which: pg.Client, ms: number): void {
    if (closed || client !== which) return;
    client = undefined;
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
