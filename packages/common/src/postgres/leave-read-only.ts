import type { Socket } from 'node:net';
import type pg from 'pg';
import { isDatabaseReadOnly } from './database-error.ts';

/**
 * A connection that was opened to a standby, or while the database was read-only, stays read-only for as long as it lives, though a new one could
 * write by now. The pool ends a connection on which a statement failed. If it failed for this reason, the idle ones are ended too: each of them
 * would fail once.
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

/** As if the network had failed: then the pool forgets the connection. It would keep one that was ended in order, and hand it out. */
function breakOff(client: pg.PoolClient): void {
  (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
