import { parseArgs } from 'node:util';
import { toAppError } from '@nexus/common/errors/app-error';
import { newId } from '@nexus/common/postgres/new-id';
import { type Database, openDatabase } from '@nexus/common/postgres/open-database';
import { createKey } from '@nexus/common/principals/create-key';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import { createSecret, formatKeyToken } from '@nexus/common/principals/key-token';
import { scopes } from '@nexus/common/principals/scope';
import { findChanges, writeAuditEntry } from '@nexus/common/principals/write-audit-entry';
import { z } from 'zod';
import { openStartDatabase } from './keys/open-start-database.ts';

const usage = `usage: npm run keys -- create --scopes ${scopes.join(',')} [--name NAME] [--workspace ID] [--agents ID,ID] [--expires TIME]
       npm run keys -- list [--workspace ID]
       npm run keys -- revoke ID [--workspace ID]
       npm run keys -- new-token      a token for NEXUS_FIRST_KEY, stored nowhere
The token of a new key goes to standard output, everything else to standard error.`;

const listOf = (text: string) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
const id = z.uuid('expected the id of a workspace, an agent or a key');

const optionsSchema = z.object({
  name: z.string().min(1).max(200).default('Made on the command line'),
  scopes: z
    .string()
    .transform(listOf)
    .pipe(z.array(z.enum(scopes, `expected some of ${scopes.join(', ')}`)).min(1))
    .optional(),
  workspace: id.default(defaultWorkspaceId),
  agents: z.string().default('').transform(listOf).pipe(z.array(id)),
  expires: z.iso.datetime({ offset: true, error: 'expected a time, as in 2027-01-31T12:00:00Z' }).optional(),
});

type Options = z.infer<typeof optionsSchema>;

const quiet = { warn() {}, info() {} };

type Command = (database: Database, options: Options, target: string) => Promise<number>;
const commands = new Map<string, Command>([
  ['create', create],
  ['list', list],
  ['revoke', revoke],
]);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      scopes: { type: 'string' },
      workspace: { type: 'string' },
      agents: { type: 'string' },
      expires: { type: 'string' },
    },
  });
  const [command, target] = positionals;
  if (command === 'new-token') {
    console.log(formatKeyToken({ keyId: newId(), secret: createSecret() }));
    return 0;
  }
  const parsed = optionsSchema.safeParse(values);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) console.error(`--${String(path[0])}: ${message}`);
    return 2;
  }
  const run = commands.get(command ?? '');
  if (!run || (command === 'create' && !parsed.data.scopes) || (command === 'revoke' && !target)) {
    console.error(usage);
    return 2;
  }
  const start = await openStartDatabase();
  const { database, close } = openDatabase(start.url, { poolSize: 1, name: 'nexus-keys', logger: quiet });
  try {
    return await run(database, parsed.data, target ?? '');
  } finally {
    await close();
    await start.close();
  }
}

async function create(
  database: Database,
  { name, scopes: granted = [], workspace, agents, expires }: Options,
): Promise<number> {
  const workspaceId = workspace.toLowerCase();
  if (!(await database.workspace.findUnique({ where: { id: workspaceId } }))) {
    console.error(`--workspace: there is no workspace ${workspaceId}`);
    return 1;
  }
  const expiresAt = expires === undefined ? null : new Date(expires);
  const { row, token } = await database.$transaction(async (transaction) => {
    const made = await createKey(transaction, {
      workspaceId,
      name,
      scopes: granted,
      agentIds: agents,
      expiresAt,
      createdById: null,
    });
    const changes = findChanges({}, { name, scopes: granted, agentIds: agents, expiresAt });
    await writeAuditEntry(transaction, {
      workspaceId,
      keyId: null,
      action: 'key.created',
      targetId: made.row.id,
      changes,
    });
    return made;
  });
  console.error(`Key ${row.id} (${granted.join(', ')}). Its token, which is shown this once:`);
  console.log(token);
  return 0;
}

async function list(database: Database, { workspace }: Options): Promise<number> {
  const keys = await database.apiKey.findMany({
    where: { workspaceId: workspace.toLowerCase() },
    orderBy: { id: 'asc' },
  });
  for (const key of keys) {
    const state = key.revokedAt ? 'revoked' : key.expiresAt && key.expiresAt < new Date() ? 'expired' : 'good';
    console.log([key.id, `…${key.lastFour}`, state, key.scopes.join(','), key.name].join('  '));
  }
  if (keys.length === 0) console.error('There are no keys.');
  return 0;
}

async function revoke(database: Database, { workspace }: Options, target: string): Promise<number> {
  const workspaceId = workspace.toLowerCase();
  const { count } = await database.$transaction(async (transaction) => {
    const revoked = await transaction.apiKey.updateMany({
      where: { id: target, workspaceId, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    if (revoked.count > 0)
      await writeAuditEntry(transaction, { workspaceId, keyId: null, action: 'key.revoked', targetId: target });
    return revoked;
  });
  console.error(count > 0 ? 'Revoked: it stops within 5 seconds.' : `There is no good key ${target} in this workspace`);
  return count > 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = toAppError(error);
  console.error(known.code === 'internal_error' && error instanceof Error ? error.message : known.message);
  process.exitCode = 1;
}
