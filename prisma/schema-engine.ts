import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AppError } from '@nexus/common/errors/app-error';
import { isDatabaseAway } from '@nexus/common/postgres/database-error';
import { sessionSettings } from '@nexus/common/postgres/session-settings';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import { SchemaEngine as Engine } from '@prisma/schema-engine-wasm';
import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';

export const migrationsFolder = fileURLToPath(new URL('migrations', import.meta.url));
export const schemaFile = fileURLToPath(new URL('schema.prisma', import.meta.url));

/** Compare everything in the database. */
export const noFilters = { externalTables: [], externalEnums: [] };

/**
 * Runs `use` with Prisma's schema engine, as WebAssembly over the `pg` driver. It is the engine of `prisma migrate`, without the native binary
 * that Prisma's command line downloads. The engine is closed when `use` returns.
 */
export async function withSchemaEngine<T>(databaseUrl: string, use: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const pool = openCatalogPool(databaseUrl);
  const factory = bindMigrationAwareSqlAdapterFactory(withCharacters(new PrismaPg(pool)));
  let engine: SchemaEngine | undefined;
  try {
    engine = await Engine.new({ datamodels: [[schemaFile, readFileSync(schemaFile, 'utf8')]] }, () => {}, factory);
    return await use(engine);
  } catch (error) {
    throw toMigrationError(error, databaseUrl);
  } finally {
    engine?.free();
    await pool.end();
  }
}

/** The oids of Postgres's type "char", which the catalog uses for kinds and flags, and of an array of it. */
const charOid = 18;
const charArrayOid = 1002;

/**
 * The engine reads catalog columns of type "char", which the adapter refuses. So the pool declares them as the array type, which the adapter accepts
 * and no query of the engine uses. withCharacters then corrects the type in the adapter's answer.
 */
function openCatalogPool(databaseUrl: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    max: 2,
    onConnect: (client) => client.query(sessionSettings) as unknown as undefined, // the pool waits for this promise, although the type says undefined
  });
  const query = pool.query.bind(pool) as (config: unknown) => Promise<pg.QueryArrayResult>;
  pool.query = (async (config: unknown) => {
    const result = await query(config);
    for (const field of result.fields) if (field.dataTypeID === charOid) field.dataTypeID = charArrayOid;
    return result;
  }) as typeof pool.query;
  pool.on('error', () => {}); // the running query reports it
  return pool;
}

function withCharacters(factory: PrismaPg): SqlMigrationAwareDriverAdapterFactory {
  const adapt = async (connecting: Promise<SqlDriverAdapter>): Promise<SqlDriverAdapter> => {
    const adapter = await connecting;
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      const { CharacterArray, Character } = ColumnTypeEnum;
      return { ...result, columnTypes: result.columnTypes.map((type) => (type === CharacterArray ? Character : type)) };
    };
    return adapter;
  };
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: () => adapt(factory.connect()),
    connectToShadowDb: () => adapt(factory.connectToShadowDb()),
  };
}

/** Host and database name only: the URL contains a password. */
export function describeDatabase(databaseUrl: string): string {
  const { hostname, port, pathname } = new URL(databaseUrl);
  return `${pathname.slice(1) || 'the default database'} at ${hostname}:${port || 5432}`;
}

/** Postgres's codes for a refused user or password, and for a database that does not exist. */
const refusedCodes = new Set(['28P01', '28000', '3D000']);

/** The driver's message if the URL asks for TLS and the server has none. */
const noTls = 'The server does not support SSL connections';

export function toMigrationError(error: unknown, databaseUrl: string): unknown {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if ((typeof code === 'string' && refusedCodes.has(code)) || message === noTls)
    return new AppError('configuration_invalid', `DATABASE_URL: ${message}`, { cause: error });
  if (!isDatabaseAway(error) && message !== 'timeout expired') return error;
  return new AppError('database_unavailable', `DATABASE_URL: cannot reach ${describeDatabase(databaseUrl)}`, {
    cause: error,
  });
}

/** The migrations on disk, in the engine's form. */
export function listMigrations(folder: string = migrationsFolder): MigrationList {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return {
    baseDir: folder,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: names.map((path) => ({
      path,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: readFileSync(`${folder}/${path}/migration.sql`, 'utf8') },
      },
    })),
  };
}
