import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { toAppError } from '@nexus/common/errors/app-error';
import { sessionSettings } from '@nexus/common/postgres/session-settings';
import pg from 'pg';
import { readDatabaseUrl } from './read-database-url.ts';
import {
  listMigrations,
  migrationsFolder,
  noFilters,
  schemaFile,
  toMigrationError,
  withSchemaEngine,
} from './schema-engine.ts';

/** An advisory lock in the database: only one process applies migrations at a time. */
const deployLock = 7_263_900;

/** Applies the pending migrations in order, and returns their names. Several processes may call this at once. */
export async function deployMigrations(databaseUrl: string): Promise<string[]> {
  return withDatabase(databaseUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [deployLock]);
    const applied = await withSchemaEngine(databaseUrl, (engine) =>
      engine.applyMigrations({ migrationsList: listMigrations(), filters: noFilters }),
    );
    return applied.appliedMigrationNames;
  });
}

export type MigrationStatus = { pending: string[]; failed: string[]; edited: string[]; unknown: string[] };

/** Compares the database with the migrations on disk. All lists are empty if it is up to date. */
export async function readMigrationStatus(databaseUrl: string): Promise<MigrationStatus> {
  return withSchemaEngine(databaseUrl, async (engine) => {
    const report = await engine.diagnoseMigrationHistory({
      migrationsList: listMigrations(),
      optInToShadowDatabase: false,
      filters: noFilters,
    });
    const { history } = report;
    const all = listMigrations().migrationDirectories.map((directory) => directory.path);
    return {
      pending: !report.hasMigrationsTable
        ? all
        : history && 'unappliedMigrationNames' in history
          ? history.unappliedMigrationNames
          : [],
      failed: report.failedMigrationNames,
      edited: report.editedMigrationNames,
      unknown: history && 'unpersistedMigrationNames' in history ? history.unpersistedMigrationNames : [],
    };
  });
}

/**
 * The SQL that leads from the migrations to the schema; empty if they agree. Applies the migrations to a scratch database, which it creates and
 * drops. The URL's user must have the right to do so.
 */
export async function diffSchema(databaseUrl: string, schema = readFileSync(schemaFile, 'utf8')): Promise<string> {
  const scratch = `nexus_scratch_${process.pid}_${Date.now()}`;
  return withDatabase(databaseUrl, async (client) => {
    await client.query(`CREATE DATABASE ${scratch}`);
    const url = new URL(databaseUrl);
    url.pathname = `/${scratch}`;
    try {
      await deployMigrations(url.href);
      const { stdout } = await withSchemaEngine(url.href, (engine) =>
        engine.diff({
          from: {
            tag: 'schemaDatasource',
            files: [{ path: schemaFile, content: schema }],
            configDir: migrationsFolder,
          },
          to: { tag: 'schemaDatamodel', files: [{ path: schemaFile, content: schema }] },
          script: true,
          exitCode: null,
          filters: noFilters,
        }),
      );
      return withoutComments(stdout ?? '');
    } finally {
      await client.query(`DROP DATABASE IF EXISTS ${scratch} WITH (FORCE)`);
    }
  });
}

function withoutComments(sql: string): string {
  return sql.replaceAll(/^--.*$/gm, '').trim() === '' ? '' : sql;
}

/** Writes a new migration from the difference between migrations and schema, and returns its name; null if they agree. */
export async function createMigration(databaseUrl: string, name: string): Promise<string | null> {
  const sql = await diffSchema(databaseUrl);
  if (sql === '') return null;
  const stamp = new Date().toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
  const directory = `${stamp}_${name.replaceAll(/[^a-z0-9]+/gi, '_').toLowerCase()}`;
  mkdirSync(`${migrationsFolder}/${directory}`);
  writeFileSync(`${migrationsFolder}/${directory}/migration.sql`, sql);
  return directory;
}

async function withDatabase<T>(databaseUrl: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {}); // the running query reports it
  try {
    await client.connect();
    await client.query(sessionSettings);
    return await use(client);
  } catch (error) {
    throw toMigrationError(error, databaseUrl);
  } finally {
    await client.end().catch(() => {});
  }
}

const usage = 'usage: npm run migrate -- deploy | status | check | new <name>   (DATABASE_URL names the database)';

async function main(): Promise<number> {
  const [command, name] = parseArgs({ allowPositionals: true }).positionals;
  const databaseUrl = readDatabaseUrl(process.env);
  if (command === 'deploy') {
    const applied = await deployMigrations(databaseUrl);
    console.log(applied.length === 0 ? 'already up to date' : `applied ${applied.join(', ')}`);
    return 0;
  }
  if (command === 'status') {
    const status = await readMigrationStatus(databaseUrl);
    const lines = Object.entries(status).filter(([, names]) => names.length > 0);
    console.log(
      lines.length === 0 ? 'up to date' : lines.map(([state, names]) => `${state}: ${names.join(', ')}`).join('\n'),
    );
    return lines.length === 0 ? 0 : 1;
  }
  if (command === 'check') {
    const sql = await diffSchema(databaseUrl);
    console.log(sql === '' ? 'schema and migrations agree' : `schema and migrations differ; this is missing:\n${sql}`);
    return sql === '' ? 0 : 1;
  }
  if (command === 'new' && name) {
    console.log((await createMigration(databaseUrl, name)) ?? 'schema and migrations agree: nothing to write');
    return 0;
  }
  console.error(usage);
  return 2;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Error ? toMessage(error) : error);
    process.exitCode = 1;
  }
}

function toMessage(error: Error): string {
  const known = toAppError(error);
  return known.code === 'internal_error' ? error.message : known.message;
}
