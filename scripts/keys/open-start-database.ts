import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readDatabaseUrl } from '../../prisma/read-database-url.ts';
import { localDatabaseUrl, openLocalPostgres } from '../local-stack/open-local-postgres.ts';
import { isAlive } from '../local-stack/process-alive.ts';
import { lockStateFolder } from '../start/lock-state-folder.ts';
import { root } from '../start/read-options.ts';

/**
 * The database of the installation: the one in DATABASE_URL, else the Postgres that `npm start` runs, else that same Postgres, started for
 * as long as it is needed.
 */
export async function openStartDatabase(): Promise<{ url: string; close(): Promise<void> }> {
  if (existsSync(`${root}.env`)) process.loadEnvFile(`${root}.env`);
  if (process.env.DATABASE_URL || process.env.DATABASE_URL_FILE)
    return { url: readDatabaseUrl(process.env), close: async () => {} };
  const stateFolder = resolve(root, process.env.NEXUS_STATE_FOLDER || '.nexus');
  const dataFolder = `${stateFolder}/postgres`;
  const port = runningPort(`${dataFolder}/postmaster.pid`);
  if (port !== null) return { url: localDatabaseUrl(port), close: async () => {} };
  if (!existsSync(`${dataFolder}/PG_VERSION`))
    throw new Error('There is no database yet: run npm start once, or set DATABASE_URL');
  const lock = await lockStateFolder(stateFolder, () => {});
  const postgres = await openLocalPostgres({ dataFolder }).catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  return {
    url: postgres.url,
    async close() {
      await postgres.stop();
      await lock.release();
    },
  };
}

/** The first line of Postgres' own file is its process, the fourth its port. null: it does not run. */
function runningPort(pidFile: string): number | null {
  if (!existsSync(pidFile)) return null;
  const [pid = '', , , port = ''] = readFileSync(pidFile, 'utf8').split('\n');
  return isAlive(Number(pid), 'postgres') && /^\d+$/.test(port) ? Number(port) : null;
}
