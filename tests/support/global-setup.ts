import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { deployMigrations } from '../../prisma/migrate.ts';
import { seed } from '../../prisma/seed.ts';
import { openLocalPostgres } from '../../scripts/local-stack/open-local-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A server whose database `nexus` is migrated and seeded: the template of every test database. */
    postgresUrl: string;
  }
}

/** Durability is of no use to a database that is thrown away. */
const throwawayFlags = [
  '-c',
  'fsync=off',
  '-c',
  'synchronous_commit=off',
  '-c',
  'full_page_writes=off',
  '-c',
  'max_connections=300',
];

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'nexus-test-'));
  chmodSync(folder, 0o755); // the server may run as another user
  const postgres = await openLocalPostgres({ dataFolder: join(folder, 'postgres'), flags: throwawayFlags });
  const teardown = async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await deployMigrations(postgres.url);
    await seed(postgres.url, { withEcho: true });
    await markTemplate(postgres.url);
  } catch (error) {
    await teardown();
    throw error;
  }
  project.provide('postgresUrl', postgres.url);
  return teardown;
}

/** Nobody may connect to a template that is being copied. */
async function markTemplate(url: string): Promise<void> {
  const admin = new URL(url);
  const name = admin.pathname.slice(1);
  admin.pathname = '/postgres';
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  await client.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
  await client.end();
}
