import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { deployMigrations } from '../../prisma/migrate.ts';
import { seed } from '../../prisma/seed.ts';
import { type LocalPostgres, openLocalPostgres } from '../../scripts/local-stack/open-local-postgres.ts';

/** A test's database does not need durability. */
export const throwawayFlags = [
  '-c',
  'fsync=off',
  '-c',
  'synchronous_commit=off',
  '-c',
  'full_page_writes=off',
  '-c',
  'max_connections=300',
];

export type TemplatePostgres = {
  /** The template: a migrated and seeded database. Tests copy it, and never connect to it. */
  url: string;
  dataFolder: string;
  stop(): Promise<void>;
  /** Starts the stopped server again, on the same port and with its data. */
  start(): Promise<void>;
  close(): Promise<void>;
};

/** A Postgres server of one's own for tests, with further flags. */
export async function openTemplatePostgres(flags: string[] = []): Promise<TemplatePostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-test-'));
  chmodSync(folder, 0o755); // the server may run as another user
  const dataFolder = join(folder, 'postgres');
  const open = (port?: number) =>
    openLocalPostgres({
      dataFolder,
      flags: [...throwawayFlags, ...flags],
      ...(port === undefined ? {} : { port }),
    });
  let server: LocalPostgres = await open();
  const { url } = server;
  const close = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await deployMigrations(url);
    await seed(url, { withEcho: true });
    await markTemplate(url);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url,
    dataFolder,
    stop: () => server.stop(),
    async start() {
      server = await open(Number(new URL(url).port));
    },
    close,
  };
}

async function markTemplate(url: string): Promise<void> {
  const admin = new URL(url);
  const name = admin.pathname.slice(1);
  admin.pathname = '/postgres';
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  await client.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  await client.end();
}
