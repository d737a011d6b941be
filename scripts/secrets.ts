import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { connectionFields } from '@nexus/common/config/config-fields';
import { parseConfig } from '@nexus/common/config/parse-config';
import { toAppError } from '@nexus/common/errors/app-error';
import { openDatabase, type PrismaClient } from '@nexus/common/postgres/open-database';
import { rotateSecrets } from '@nexus/common/secrets/rotate-secrets';
import { createSecretRing, type SecretRing } from '@nexus/common/secrets/secret-ring';
import { assertRingComplete, loadSecretUses } from '@nexus/common/secrets/secret-uses';
import { z } from 'zod';
import { openStartDatabase } from './keys/open-start-database.ts';
import { root } from './start/read-options.ts';

const usage = `usage: npm run secrets -- check       which secrets stored values need, and whether NEXUS_SECRETS has them
       npm run secrets -- rotate      encrypts everything with the newest secret, while the system runs`;

const quiet = { warn() {}, info() {} };

const schema = z.object({ NEXUS_SECRETS: connectionFields.NEXUS_SECRETS });

type Command = (database: PrismaClient, ring: SecretRing) => Promise<number>;
const commands = new Map<string, Command>([
  ['check', check],
  ['rotate', rotate],
]);

async function main(): Promise<number> {
  const [command = ''] = parseArgs({ allowPositionals: true }).positionals;
  const run = commands.get(command);
  if (!run) {
    console.error(usage);
    return 2;
  }
  const start = await openStartDatabase();
  const { database, close } = openDatabase(start.url, { poolSize: 1, name: 'nexus-secrets', logger: quiet });
  try {
    return await run(database, createSecretRing(readSecrets()));
  } finally {
    await close();
    await start.close();
  }
}

/** NEXUS_SECRETS as the services read it, else what `npm start` keeps in its state folder. */
function readSecrets(): string[] {
  const { NEXUS_SECRETS: given } = parseConfig(schema, process.env);
  const kept = `${resolve(root, process.env.NEXUS_STATE_FOLDER || '.nexus')}/secrets`;
  if (given.length > 0 || !existsSync(kept)) return given;
  return parseConfig(schema, { NEXUS_SECRETS: readFileSync(kept, 'utf8') }).NEXUS_SECRETS;
}

/** Exits with 1 where the ring lacks a secret. */
async function check(database: PrismaClient, { ids }: SecretRing): Promise<number> {
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

async function rotate(database: PrismaClient, ring: SecretRing): Promise<number> {
  await assertRingComplete(database, ring);
  const { rotated, unreadable } = await rotateSecrets(database, ring);
  for (const { table, id } of unreadable) console.error(`${table} ${id}: was changed outside of the system`);
  const left = (await loadSecretUses(database)).filter(({ secretId }) => secretId !== ring.ids[0]);
  console.error(
    left.length === 0
      ? `Encrypted ${rotated} values again: the newest secret is enough for stored values.`
      : `Encrypted ${rotated} values again. Others still need an older secret: a service may run without the newest one.`,
  );
  return left.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = toAppError(error);
  console.error(known.code === 'internal_error' && error instanceof Error ? error.message : known.message);
  process.exitCode = 1;
}
