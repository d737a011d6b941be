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

/** Leaves nothing of the database out of a comparison. */
export const noFilters = { externalTables: [], externalEnums: [] };

/**
 * Prisma's schema engine as WebAssembly over the `pg` driver: the same engine as behind `prisma migrate`, without the native binary
 * that its command line downloads. Whoever calls this closes what `use` was given by returning from it.
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

/** Oids of Postgres's type "char", which the catalog uses for kinds and flags, and of an array of it. */
const charOid = 18;
const charArrayOid = 1002;

/**
 * The engine describes a database by columns of type "char", which the adapter refuses though it has a name for them. The pool
 * passes them as the array type, which it accepts and which no query of the engine has, and the adapter's answer is set right.
 */
function openCatalogPool(databaseUrl: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    max: 2,
    onConnect: (client) => client.query(sessionSettings) as unknown as undefined, // waited for, though the type does not say so
  });
  const query = pool.query.bind(pool) as (config: unknown) => Promise<pg.QueryArrayResult>;
  pool.query = (async (config: unknown) => {
    const result = await query(config);
    for (const field of result.fields) if (field.dataTypeID === charOid) field.dataTypeID = charArrayOid;
    return result;
  }) as typeof pool.query;
  pool.on('error', () => {}); // reported by the query under way
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

/** Host and database name only: a URL holds a password. */
export function describeDatabase(databaseUrl: string): string {
  const { hostname, port, pathname } = new URL(databaseUrl);
  return `${pathname.slice(1) || 'the default database'} at ${hostname}:${port || 5432}`;
}

/** Of Postgres: refused user or password, and a database that is not there. */
const refusedCodes = new Set(['28P01', '28000', '3D000']);

/** The driver's words, where the URL asks for TLS. */
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

/** The migrations on disk, in the form the engine takes them. */
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
