import { AppError } from '@nexus/common/errors/app-error';
import { connectionNotFound } from '@nexus/common/errors/not-found';
import { isUniqueViolation } from '@nexus/common/postgres/database-error';
import { newId } from '@nexus/common/postgres/new-id';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Principal } from '@nexus/common/principals/principal';
import { findChanges, writeAuditEntry } from '@nexus/common/principals/write-audit-entry';
import { providerAddresses, trimBaseUrl } from '@nexus/common/providers/base-url';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import type { SecretRing } from '@nexus/common/secrets/secret-ring';
import type { z } from 'zod';
import { invalidField } from '../http/invalid-field.ts';
import { withoutUndefined } from '../http/without-undefined.ts';
import { type connectionPatch, findBaseUrlProblem, findNeedless, type newConnection } from './connection-input.ts';
import { shownColumns } from './connection-output.ts';
import { encryptHeaders, encryptKey } from './encrypt-fields.ts';
import { replaceKeys, type StoredKey } from './replace-keys.ts';

type Parts = { database: Database; ring: Pick<SecretRing, 'encrypt'> };

export async function createConnection(
  { database, ring }: Parts,
  { workspaceId, keyId }: Principal,
  { keys, headers, baseUrl, ...rest }: z.infer<typeof newConnection>,
) {
  const id = newId();
  const address = { baseUrl: toBaseUrl(rest.provider, baseUrl) };
  const data = { id, workspaceId, ...rest, ...address, ...encryptHeaders(ring, id, headers) };
  const rows = keys.map(({ key }, position) => ({ ...encryptKey(ring, key), position }));
  const creation = database.$transaction(async (transaction) => {
    const made = await transaction.connection.create({ data: { ...data, keys: { create: rows } }, ...shownColumns });
    const changes = findChanges({}, toAudited(made));
    const action = 'connection.created';
    await writeAuditEntry(transaction, { workspaceId, keyId, action, targetId: id, changes });
    return made;
  });
  return creation.catch(rejectTakenName);
}

/** A key and the headers were given for one server: another one gets only what is given for it. */
export async function changeConnection(
  { database, ring }: Parts,
  { workspaceId, keyId }: Principal,
  id: string,
  { keys, headers, baseUrl, ...rest }: z.infer<typeof connectionPatch>,
) {
  const change = database.$transaction(async (transaction) => {
    // Also locks the row: what is read next stays true until the commit.
    const { count } = await transaction.connection.updateMany({
      where: { id, workspaceId },
      data: { updatedAt: new Date() },
    });
    const before = count > 0 && (await transaction.connection.findFirst({ where: { id }, ...shownColumns }));
    if (!before) throw connectionNotFound(id);
    const provider = before.provider as ProviderName;
    const needless = findNeedless(provider, { keys, headers });
    if (needless !== null) throw invalidField(needless, `expected none: ${provider} is built in`);
    const address = baseUrl === undefined ? before.baseUrl : toBaseUrl(provider, baseUrl);
    if (originOf(address) !== originOf(before.baseUrl)) assertGivenAnew(before, { keys, headers });
    if (keys) await replaceKeys(transaction, ring, id, before.keys, keys);
    const after = await transaction.connection.update({
      where: { id },
      data: { ...withoutUndefined(rest), baseUrl: address, ...(headers ? encryptHeaders(ring, id, headers) : {}) },
      ...shownColumns,
    });
    const changes = findChanges(toAudited(before), {
      ...toAudited(after),
      ...(headers ? { headers: 'replaced' } : {}), // their values may differ where their names do not
    });
    const action = 'connection.changed';
    await writeAuditEntry(transaction, { workspaceId, keyId, action, targetId: id, changes });
    return after;
  });
  return change.catch(rejectTakenName);
}

/** Agents that name it stay, and say that it is gone when they are asked. */
export async function deleteConnection(
  { database }: Pick<Parts, 'database'>,
  { workspaceId, keyId }: Principal,
  id: string,
): Promise<void> {
  await database.$transaction(async (transaction) => {
    const before = await transaction.connection.findFirst({ where: { id, workspaceId }, ...shownColumns });
    const { count } = await transaction.connection.deleteMany({ where: { id, workspaceId } });
    if (!before || count === 0) throw connectionNotFound(id);
    const changes = findChanges(toAudited(before), {});
    const action = 'connection.deleted';
    await writeAuditEntry(transaction, { workspaceId, keyId, action, targetId: id, changes });
  });
}

function assertGivenAnew(
  before: { keys: StoredKey[]; headerNames: string[] },
  { keys, headers }: Pick<z.infer<typeof connectionPatch>, 'keys' | 'headers'>,
): void {
  const message = 'give them again: those that are stored are for another server';
  if (before.keys.length > 0 && (!keys || keys.some((key) => 'id' in key))) throw invalidField('keys', message);
  if (before.headerNames.length > 0 && !headers) throw invalidField('headers', message);
}

function toBaseUrl(provider: ProviderName, given: string | null): string | null {
  const problem = findBaseUrlProblem(provider, given);
  if (problem !== null) throw invalidField('baseUrl', problem);
  const url = given ?? providerAddresses[provider]?.standard ?? null;
  return url === null ? null : trimBaseUrl(url);
}

function originOf(url: string | null): string | null {
  return url === null ? null : new URL(url).origin;
}

type Shown = {
  name: string;
  provider: string;
  baseUrl: string | null;
  headerNames: string[];
  keys: StoredKey[];
  concurrency: number | null;
  ratePerMinute: number | null;
};

/** What the audit log says of a connection: no secret. The ids show that a key was replaced by one that ends the same. */
function toAudited({ name, provider, baseUrl, headerNames, keys, concurrency, ratePerMinute }: Shown) {
  return { name, provider, baseUrl, headerNames, keys, concurrency, ratePerMinute };
}

function rejectTakenName(error: unknown): never {
  if (!isUniqueViolation(error)) throw error;
  throw new AppError('connection_name_taken', 'Another connection has this name', {
    fields: [{ field: 'name', message: 'is taken by another connection' }],
  });
}
