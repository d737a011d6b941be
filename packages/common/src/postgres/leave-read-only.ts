import type { Socket } from 'node:net';
import type pg from 'pg';
import { isDatabaseReadOnly } from './database-error.ts';

/**
 * A connection to a standby, or to a database that was read-only, may stay read-only although a new one could write. The pool ends a connection on
 * which a statement failed. If it failed for this reason, this also ends the idle connections: otherwise each of them would fail once.
 */
export function leaveReadOnly(pool: pg.Pool): void {
  const idle = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => void idle.delete(client));
  pool.on('remove', (client) => void idle.delete(client));
  pool.on('release', (error, client) => {
    if (isDatabaseReadOnly(error)) for (const each of idle) breakOff(each);
    if (!error) idle.add(client);
  });
}

/** Breaks the connection like a network failure, so that the pool drops it. The pool would keep a connection that was closed normally, and give it out. */
function breakOff(client: pg.PoolClient): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
