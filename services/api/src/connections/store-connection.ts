import { AppError } from '@nexus/common/errors/app-error';
import { connectionNotFound } from '@nexus/common/errors/not-found';
import { isUniqueViolation } from '@nexus/common/postgres/database-error';
import { newId } from '@nexus/common/postgres/new-id';
import type { PrismaClient } from '@nexus/common/postgres/open-database';
import type { Principal } from '@nexus/common/principals/principal';
import { findChanges, writeAuditEntry } from '@nexus/common/principals/write-audit-entry';
import { providerAddresses, trimBaseUrl } from '@nexus/common/providers/base-url';
import type { ProviderName } from '@nexus/common/queue/provider-name';
import { contextOf } from '@nexus/common/secrets/encrypted-columns';
import type { SecretRing } from '@nexus/common/secrets/secret-ring';
import type { z } from 'zod';
import { withoutUndefined } from '../http/without-undefined.ts';
import type { connectionPatch, KeyInput, newConnection } from './connection-input.ts';
import { shownColumns } from './connection-output.ts';

type Parts = { database: PrismaClient; ring: Pick<SecretRing, 'encrypt'> };
type Transaction = Parameters<Parameters<PrismaClient['$transaction']>[0]>[0];

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
    const address = baseUrl === undefined ? before.baseUrl : toBaseUrl(before.provider as ProviderName, baseUrl);
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

type StoredKey = { id: string; lastFour: string };

async function replaceKeys(
  transaction: Transaction,
  ring: Parts['ring'],
  connectionId: string,
  stored: StoredKey[],
  wanted: KeyInput[],
): Promise<void> {
  const kept = wanted.flatMap((key) => ('id' in key ? [key.id] : []));
  const at = wanted.findIndex((key) => 'id' in key && !stored.some(({ id }) => id === key.id));
  if (at >= 0) throw invalid(`keys.${at}.id`, 'is not the id of a key of this connection');
  await transaction.connectionKey.deleteMany({ where: { connectionId, id: { notIn: kept } } });
  for (const [position, key] of wanted.entries()) {
    if ('id' in key) await transaction.connectionKey.update({ where: { id: key.id }, data: { position } });
    else await transaction.connectionKey.create({ data: { connectionId, position, ...encryptKey(ring, key.key) } });
  }
}

function assertGivenAnew(
  before: { keys: StoredKey[]; headerNames: string[] },
  { keys, headers }: Pick<z.infer<typeof connectionPatch>, 'keys' | 'headers'>,
): void {
  const message = 'give them again: those that are stored are for another server';
  if (before.keys.length > 0 && (!keys || keys.some((key) => 'id' in key))) throw invalid('keys', message);
  if (before.headerNames.length > 0 && !headers) throw invalid('headers', message);
}

function encryptKey(ring: Parts['ring'], key: string) {
  const id = newId();
  const lastFour = key.length < 12 ? '' : key.slice(-4); // four characters of a short one would give too much of it away
  return { id, lastFour, encrypted: ring.encrypt(key, contextOf('connectionKey', id)) };
}

function encryptHeaders(ring: Parts['ring'], id: string, headers: Record<string, string>) {
  const headerNames = Object.keys(headers);
  if (headerNames.length === 0) return { headers: null, headerNames };
  return { headers: ring.encrypt(JSON.stringify(headers), contextOf('connectionHeaders', id)), headerNames };
}

function toBaseUrl(provider: ProviderName, given: string | null): string | null {
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

function invalid(field: string, message: string): AppError {
  return new AppError('invalid_request', `In the body: ${field}: ${message}`, { fields: [{ field, message }] });
}
