import { AppError } from '@nexus/common/errors/app-error';
import { agentNotFound } from '@nexus/common/errors/not-found';
import type { Database } from '@nexus/common/postgres/open-database';
import { createKey, createToken, hiddenKeyFields } from '@nexus/common/principals/create-key';
import type { Access } from '@nexus/common/principals/open-access';
import type { Principal } from '@nexus/common/principals/principal';
import type { Scope } from '@nexus/common/principals/scope';
import { findChanges, writeAuditEntry } from '@nexus/common/principals/write-audit-entry';
import { z } from 'zod';
import { assertRoom } from '../http/assert-room.ts';
import { pageFields, readCursor, toPage } from '../http/page.ts';
import { idPath } from '../http/parse-input.ts';
import { exampleIds } from '../routes/example-ids.ts';
import { defineRoute, type Route } from '../routes/route.ts';
import { keyPatch, newKey, rotateBody } from './key-input.ts';
import { shownKey, shownNewKey } from './key-output.ts';

const shown = { omit: { ...hiddenKeyFields, workspaceId: true } } as const;

const tag = 'Keys';
const scope = 'admin';
const params = idPath;
const example = { params: { id: exampleIds.key } };
const unknown = { name: 'one that is not there', status: 404, params: { id: exampleIds.nothing } };

export type KeyRouteParts = {
  database: Database;
  access: Pick<Access, 'keysChanged'>;
  maxPerWorkspace: { keys: number };
};

export function createKeyRoutes({ database, access, maxPerWorkspace }: KeyRouteParts): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/keys',
      tag,
      summary: 'List keys, newest first',
      scope,
      query: z.strictObject(pageFields),
      replies: { 200: { description: 'A page; no key shows its secret', schema: z.array(shownKey) } },
      errors: ['invalid_cursor'],
      examples: [{ name: 'the first page', status: 200, query: { limit: '2' } }],
      async handle({ principal: { workspaceId }, query: { limit, cursor } }, { request }) {
        const before = readCursor(cursor);
        const rows = await database.apiKey.findMany({
          where: { workspaceId, ...(before === null ? {} : { id: { lt: before } }) },
          orderBy: { id: 'desc' },
          take: limit + 1,
          ...shown,
        });
        return toPage(request, rows, limit);
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/keys',
      tag,
      summary: 'Create a key',
      description:
        'It grants at most what the key that makes it grants, and ends with it. Its token is shown this once.',
      scope,
      body: newKey,
      replies: { 201: { description: 'The key with its token; Location names it', schema: shownNewKey } },
      errors: ['scope_missing', 'agent_not_found', 'workspace_full'],
      examples: [
        { name: 'for a chat page', status: 201, body: { name: 'Chat', scopes: ['read', 'invoke'] } },
        { name: 'a scope that does not exist', status: 422, body: { name: 'Chat', scopes: ['write'] } },
      ],
      async handle({ principal, body: { expiresAt, ...body } }) {
        assertMayGrant(principal, body.scopes, body.agentIds);
        const { workspaceId, keyId } = principal;
        await assertAgents(database, workspaceId, body.agentIds);
        const usable = {
          workspaceId,
          revokedAt: null,
          OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }],
        };
        assertRoom(maxPerWorkspace.keys, await database.apiKey.count({ where: usable }), 'usable keys');
        const { row, token } = await database.$transaction(async (transaction) => {
          const made = await createKey(transaction, {
            ...body,
            workspaceId,
            createdById: keyId,
            expiresAt: expiresAt === null ? null : new Date(expiresAt),
          });
          const { name, scopes, agentIds } = made.row;
          const changes = findChanges({}, { name, scopes, agentIds, expiresAt });
          await writeAuditEntry(transaction, {
            workspaceId,
            keyId,
            action: 'key.created',
            targetId: made.row.id,
            changes,
          });
          return made;
        });
        const { workspaceId: _, ...key } = row;
        return {
          status: 201,
          headers: { location: `/api/keys/${key.id}` },
          hasSecret: true,
          body: { ...key, token },
        };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/keys/:id',
      tag,
      summary: 'Read a key',
      scope,
      params,
      replies: { 200: { description: 'The key, without its secret', schema: shownKey } },
      errors: ['key_not_found'],
      examples: [{ name: 'one', status: 200, ...example }, unknown],
      async handle({ principal: { workspaceId }, params: { id } }) {
        const key = await database.apiKey.findFirst({ where: { id, workspaceId }, ...shown });
        if (!key) throw keyNotFound(id);
        return { status: 200, body: key };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/keys/:id',
      tag,
      summary: 'Rename a key',
      scope,
      params,
      body: keyPatch,
      replies: { 200: { description: 'The key as it is now', schema: shownKey } },
      errors: ['key_not_found'],
      examples: [{ name: 'another name', status: 200, ...example, body: { name: 'Chat page' } }],
      handle: ({ principal, params: { id }, body }) =>
        change(principal, id, 'key.renamed', () => ({ data: body, reply: {} })),
    }),
    defineRoute({
      method: 'post',
      path: '/api/keys/:id/rotate',
      tag,
      summary: 'Give a key a new secret',
      scope,
      params,
      body: rotateBody,
      replies: { 200: { description: 'The key with its new token', schema: shownNewKey } },
      errors: ['key_not_found', 'key_revoked', 'scope_missing'],
      examples: [{ name: 'with an hour of grace', status: 200, ...example, body: { graceSeconds: 3_600 } }],
      handle: ({ principal, params: { id }, body: { graceSeconds } }) =>
        change(principal, id, 'key.rotated', ({ hash, scopes, agentIds }) => {
          assertMayHold(principal, { scopes, agentIds });
          const { token, ...made } = createToken(id);
          const previousHashUntil = new Date(Date.now() + graceSeconds * 1_000);
          const previous =
            graceSeconds > 0
              ? { previousHash: hash, previousHashUntil }
              : { previousHash: null, previousHashUntil: null };
          return { data: { ...made, ...previous }, reply: { token } };
        }),
    }),
    defineRoute({
      method: 'delete',
      path: '/api/keys/:id',
      tag,
      summary: 'Revoke a key, and all that it made',
      scope,
      params,
      replies: { 204: { description: 'This process refuses the key at once, every other one within 5 seconds' } },
      errors: ['key_not_found'],
      examples: [unknown],
      async handle({ principal, params: { id } }) {
        await change(principal, id, 'key.revoked', () => ({ data: { revokedAt: new Date() }, reply: {} }), true);
        return { status: 204 };
      },
    }),
  ];

  type Change = (key: { hash: Uint8Array<ArrayBuffer>; scopes: string[]; agentIds: string[] }) => {
    data: Parameters<typeof database.apiKey.update>[0]['data'];
    reply: object;
  };

  async function change(
    { workspaceId, keyId, scopes }: Principal,
    id: string,
    action: 'key.renamed' | 'key.rotated' | 'key.revoked',
    toChange: Change,
    againIsFine = false,
  ) {
    const answer = await database.$transaction(async (transaction) => {
      const [before] = await transaction.apiKey.findMany({ where: { id, workspaceId } });
      if (!before) throw keyNotFound(id);
      if (before.scopes.includes('operator') && !scopes.includes('operator'))
        throw new AppError('scope_missing', 'Only a key with the scope operator changes one that has it');
      if (before.revokedAt !== null) {
        if (againIsFine) return null;
        throw new AppError('key_revoked', `The key ${id} is revoked`);
      }
      const { data, reply } = toChange(before);
      const after = await transaction.apiKey.update({ where: { id, workspaceId }, data, ...shown });
      const { name, lastFour, revokedAt } = before;
      const changes = findChanges(
        { name, lastFour, revokedAt },
        { name: after.name, lastFour: after.lastFour, revokedAt: after.revokedAt },
      );
      await writeAuditEntry(transaction, { workspaceId, keyId, action, targetId: id, changes });
      return { ...after, ...reply };
    });
    await access.keysChanged();
    return { status: 200, hasSecret: true, body: answer };
  }
}

function assertMayGrant({ scopes, agentIds }: Principal, wantedScopes: Scope[], wantedAgents: string[]): void {
  const tooMuch = wantedScopes.filter((scope) => !scopes.includes(scope));
  if (tooMuch.length > 0)
    throw new AppError('scope_missing', `scopes: this key cannot grant ${tooMuch.join(', ')}, which it does not have`, {
      fields: [{ field: 'scopes', message: `cannot grant ${tooMuch.join(', ')}` }],
    });
  if (agentIds === null) return;
  const foreign = wantedAgents.find((id) => !agentIds.includes(id));
  if (foreign !== undefined) throw agentNotFound(foreign);
}

/** Whoever gives a key a new secret holds all that it grants. */
function assertMayHold(principal: Principal, { scopes, agentIds }: { scopes: string[]; agentIds: string[] }): void {
  assertMayGrant(principal, scopes as Scope[], agentIds);
  if (principal.agentIds !== null && agentIds.length === 0)
    throw new AppError('scope_missing', 'This key is for some agents, and the other one for all');
}

async function assertAgents(database: Database, workspaceId: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  const found = await database.agent.findMany({ where: { workspaceId, id: { in: ids } }, select: { id: true } });
  const missing = ids.find((id) => !found.some((agent) => agent.id === id));
  if (missing !== undefined) throw agentNotFound(missing);
}

function keyNotFound(id: string): AppError {
  return new AppError('key_not_found', `There is no key ${id}`);
}
