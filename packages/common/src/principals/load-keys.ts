import type { Queryable } from '../postgres/queryable.ts';
import type { Scope } from './scope.ts';

/**
 * A key as it counts now: its own row narrowed by those of the keys that made it. `agentIds` null: every agent of its workspace.
 * Times are milliseconds of the epoch by the database's clock.
 */
export type EffectiveKey = {
  id: string;
  workspaceId: string;
  hash: Uint8Array;
  previousHash: Uint8Array | null;
  previousHashUntil: number | null;
  scopes: readonly Scope[];
  agentIds: readonly string[] | null;
  expiresAt: number | null;
  revoked: boolean;
};

/** One link of a key's chain, as Postgres returns it. */
export type KeyRow = {
  leaf: string;
  depth: number;
  workspaceId: string;
  hash: Uint8Array;
  previousHash: Uint8Array | null;
  previousHashUntil: number | null;
  scopes: Scope[];
  agentIds: string[];
  expiresAt: number | null;
  revoked: boolean;
};

/** The keys of these ids that exist, in one statement. */
export async function loadKeys(database: Queryable, ids: string[]): Promise<Map<string, EffectiveKey>> {
  const rows = await database.query<KeyRow>`
    WITH RECURSIVE chain AS (
      SELECT k.id AS leaf, 0 AS depth, k.* FROM api_key k WHERE k.id = ANY(${ids}::uuid[])
      UNION ALL
      SELECT c.leaf, c.depth + 1, k.* FROM chain c JOIN api_key k ON k.id = c.created_by_id
    )
    SELECT leaf, depth, workspace_id AS "workspaceId", hash, previous_hash AS "previousHash",
           (extract(epoch FROM previous_hash_until) * 1000)::float8 AS "previousHashUntil", scopes, agent_ids AS "agentIds",
           (extract(epoch FROM expires_at) * 1000)::float8 AS "expiresAt", revoked_at IS NOT NULL AS revoked
    FROM chain ORDER BY leaf, depth`;
  const chains = Map.groupBy(rows, ({ leaf }) => leaf);
  return new Map([...chains].map(([id, chain]) => [id, toEffective(id, chain)]));
}

/** Notes that these keys were used, to the minute: several processes may say so of the same key. Waits for nobody who changes one. */
export async function noteKeysUsed(database: Queryable, ids: string[]): Promise<void> {
  await database.query`
    UPDATE api_key SET last_used_at = now()
    WHERE id IN (
      SELECT id FROM api_key
      WHERE id = ANY(${ids}::uuid[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '50 s')
      FOR NO KEY UPDATE SKIP LOCKED)`;
}

/** The key first, then the key that made it, and so on. */
function toEffective(id: string, chain: KeyRow[]): EffectiveKey {
  const [own, ...makers] = chain as [KeyRow, ...KeyRow[]];
  const expiries = chain.flatMap(({ expiresAt }) => expiresAt ?? []);
  return {
    id,
    workspaceId: own.workspaceId,
    hash: own.hash,
    previousHash: own.previousHash,
    previousHashUntil: own.previousHashUntil,
    scopes: own.scopes.filter((scope) => makers.every(({ scopes }) => scopes.includes(scope))),
    agentIds: chain.reduce<string[] | null>((common, { agentIds }) => narrow(common, agentIds), null),
    expiresAt: expiries.length === 0 ? null : Math.min(...expiries),
    revoked: chain.some(({ revoked }) => revoked),
  };
}

/** An empty list limits nothing. */
function narrow(common: string[] | null, agentIds: string[]): string[] | null {
  if (agentIds.length === 0) return common;
  return common === null ? agentIds : common.filter((id) => agentIds.includes(id));
}
