import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../tests/support/open-test-database.ts';
import { createMigration, deployMigrations, diffSchema, readMigrationStatus } from './migrate.ts';
import { schemaFile } from './schema-engine.ts';
import { seed } from './seed.ts';

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('migrations', () => {
  let empty: TestDatabase;
  beforeAll(async () => {
    empty = await openTestDatabase({ empty: true });
  });
  afterAll(() => empty.close());

  it('are pending before, applied once by whoever comes first, and up to date after', async () => {
    const before = await readMigrationStatus(empty.url);
    expect(before.pending.length).toBeGreaterThan(0);
    const [one, two] = await Promise.all([deployMigrations(empty.url), deployMigrations(empty.url)]);
    expect([...one, ...two]).toEqual(before.pending);
    expect(await deployMigrations(empty.url)).toEqual([]);
    expect(await readMigrationStatus(empty.url)).toEqual({ pending: [], failed: [], edited: [], unknown: [] });
  });

  it('leave the table that `prisma migrate deploy` reads', async () => {
    const rows = await query<{ name: string; checksum: string; finished: boolean }>(
      empty.url,
      'SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished FROM _prisma_migrations',
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { name, checksum, finished } of rows) {
      const sql = readFileSync(new URL(`migrations/${name}/migration.sql`, import.meta.url));
      expect([checksum, finished]).toEqual([createHash('sha256').update(sql).digest('hex'), true]);
    }
  });

  it('agree with the schema, so that there is nothing to write', async () => {
    expect(await diffSchema(empty.url)).toBe('');
    expect(await createMigration(empty.url, 'nothing')).toBeNull();
  });

  it('differ from a schema that has a column more', async () => {
    const changed = readFileSync(schemaFile, 'utf8').replace(
      '  hostname     String',
      '  hostname     String\n  region       String?',
    );
    expect(await diffSchema(empty.url, changed)).toContain('ADD COLUMN     "region" TEXT');
    const databases = await query<{ datname: string }>(
      empty.url,
      "SELECT datname FROM pg_database WHERE datname LIKE 'nexus_scratch%'",
    );
    expect(databases).toEqual([]);
  });

  it('say which database cannot be reached, and never its password', async () => {
    const url = 'postgresql://user:secret-word@127.0.0.1:1/nexus';
    await expect(deployMigrations(url)).rejects.toMatchObject({
      code: 'database_unavailable',
      message: 'DATABASE_URL: cannot reach nexus at 127.0.0.1:1',
    });
  });
});

describe('the seed', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase({ empty: true });
    await deployMigrations(database.url);
  });
  afterAll(() => database.close());
  const agents = () =>
    query<{ name: string; provider: string; model: string }>(
      database.url,
      'SELECT name, provider, model FROM agent ORDER BY id',
    );

  it('makes the five agents, and the Echo agent where it is wanted', async () => {
    expect(await seed(database.url)).toBe(5);
    expect(await seed(database.url, { withEcho: true })).toBe(1);
    expect((await agents()).map(({ name, provider, model }) => `${name}: ${provider}/${model}`)).toEqual([
      'Llama 3 Assistant: ollama/llama3',
      'GPT-4 Strategist: openai/gpt-4',
      'Gemini Analyst: gemini/gemini-pro',
      'Code Helper: ollama/codellama',
      'GPT-3.5 Turbo: openai/gpt-3.5-turbo',
      'Echo: echo/echo',
    ]);
  });

  it('leaves alone what somebody changed', async () => {
    await query(database.url, "UPDATE agent SET model = 'llama3.1' WHERE name = 'Llama 3 Assistant'");
    expect(await seed(database.url, { withEcho: true })).toBe(0);
    expect((await agents())[0]?.model).toBe('llama3.1');
  });
});
