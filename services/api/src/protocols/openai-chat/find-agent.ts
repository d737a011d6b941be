import type { Queryable } from '@nexus/common/postgres/queryable';
import { z } from 'zod';
import type { OverridableAgent } from '../../invocations/assert-may-override.ts';

export type NamedAgent = OverridableAgent & { id: string; slug: string | null; active: boolean; createdAt: Date };

const uuid = z.uuid().toLowerCase();

/** The agent of the workspace that has this slug or id; null where none has. */
export async function findAgent(database: Queryable, workspaceId: string, model: string): Promise<NamedAgent | null> {
  const id = uuid.safeParse(model).data ?? null;
  const agents = await database.query<NamedAgent>`
    SELECT id, slug, active, created_at AS "createdAt", allow_overrides AS "allowOverrides", max_output_tokens AS "maxOutputTokens",
           context_tokens AS "contextTokens", first_token_timeout_ms AS "firstTokenTimeoutMs", idle_timeout_ms AS "idleTimeoutMs",
           total_timeout_ms AS "totalTimeoutMs"
    FROM agent WHERE workspace_id = ${workspaceId}::uuid AND (slug = ${model}::text OR id = ${id}::uuid)`;
  return agents.find((each) => each.id === id) ?? agents[0] ?? null;
}
