import { parseArgs } from 'node:util';
import { secretsField } from '@nexus/common/config/config-fields';
import { parseConfig } from '@nexus/common/config/parse-config';
import { toAppError } from '@nexus/common/errors/app-error';
import { type Database, openDatabase } from '@nexus/common/postgres/open-database';
import { rotateSecrets } from '@nexus/common/secrets/rotate-secrets';
import { createSecretRing, type SecretRing } from '@nexus/common/secrets/secret-ring';
import { assertRingComplete, loadSecretUses } from '@nexus/common/secrets/secret-uses';
import { z } from 'zod';
import { readDatabaseUrl } from '../prisma/read-database-url.ts';

const usage = `usage: npm run secrets -- check       which secrets stored values need, and whether NEXUS_SECRETS has them
       npm run secrets -- rotate      encrypts everything with the newest secret, while the system runs`;

const quiet = { warn() {}, info() {} };
const schema = z.object(secretsField);

type Command = (database: Database, ring: SecretRing) => Promise<number>;
const commands = new Map<string, Command>([
  ['check', check],
  ['rotate', rotate],
]);

export type Installation = { databaseUrl: string; secrets: string[]; close(): Promise<void> };

/** The command of this process's arguments on an installation, which is opened only for a known one. Sets the exit code. */
export async function runSecretsCommand(open: () => Promise<Installation>): Promise<void> {
  try {
    const run = commands.get(parseArgs({ allowPositionals: true }).positionals[0] ?? '');
    if (!run) {
      console.error(usage);
      process.exitCode = 2;
      return;
    }
    const { databaseUrl, secrets, close } = await open();
    try {
      process.exitCode = await withDatabase(databaseUrl, (database) => run(database, createSecretRing(secrets)));
    } finally {
      await close();
    }
  } catch (error) {
    const known = toAppError(error);
    console.error(known.code === 'internal_error' && error instanceof Error ? error.message : known.message);
    process.exitCode = 1;
  }
}

/** NEXUS_SECRETS, or the file that NEXUS_SECRETS_FILE names. */
export function readSecrets(environment: Record<string, string | undefined>): string[] {
  return parseConfig(schema, environment).NEXUS_SECRETS;
}

async function withDatabase<T>(url: string, use: (database: Database) => Promise<T>): Promise<T> {
  const { database, close } = openDatabase(url, { poolSize: 1, name: 'nexus-secrets', logger: quiet });
  try {
    return await use(database);
  } finally {
    await close();
  }
}

/** Exits with 1 where the ring lacks a secret. */
async function check(database: Database, { ids }: SecretRing): Promise<number> {
  const uses = await loadSecretUses(database);
  for (const { secretId, table, rows } of uses) {
    const at = ids.indexOf(secretId);
    const state = at === 0 ? 'newest' : at > 0 ? 'older: rotate' : 'MISSING in NEXUS_SECRETS';
    console.log([secretId, `${rows} × ${table}`, state].join('  '));
  }
  for (const id of ids.filter((each) => !uses.some(({ secretId }) => secretId === each)))
    console.log([id, 'no stored value needs it', id === ids[0] ? 'newest' : 'older'].join('  '));
  if (uses.length === 0) console.error('No stored value is encrypted.');
  return uses.every(({ secretId }) => ids.includes(secretId)) ? 0 : 1;
}

/** Exits with 1 where a value is left that needs an older secret. */
async function rotate(database: Database, ring: SecretRing): Promise<number> {
  await assertRingComplete(database, ring);
  const { rotated, unreadable } = await rotateSecrets(database, ring);
  for (const { table, id } of unreadable) console.error(`${table} ${id}: was changed outside of the system`);
  const left = (await loadSecretUses(database)).filter(({ secretId }) => secretId !== ring.ids[0]);
  console.error(`Encrypted ${rotated} values again.`);
  if (left.length > 0) console.error('Some still need an older secret: keep it, and rotate again.');
  return left.length === 0 ? 0 : 1;
}

if (import.meta.main)
  await runSecretsCommand(async () => ({
    databaseUrl: readDatabaseUrl(process.env),
    secrets: readSecrets(process.env),
    close: async () => {},
  }));
