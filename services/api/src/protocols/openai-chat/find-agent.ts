import { agentNotFound } from '@nexus/common/errors/not-found';
import type { PrismaClient } from '@nexus/common/postgres/open-database';
import type { Principal } from '@nexus/common/principals/principal';
import { reachesAgent } from '@nexus/common/principals/reach';
import { z } from 'zod';
import type { OverridableAgent } from '../../invocations/assert-may-override.ts';

export type NamedAgent = OverridableAgent & { id: string; slug: string | null; active: boolean; createdAt: Date };

const uuid = z.uuid().toLowerCase();

/** The agent of the principal's workspace that has this slug or id. Throws `agent_not_found`, also for one that the key is not for. */
export async function findAgent(
  database: Pick<PrismaClient, '$queryRaw'>,
  principal: Pick<Principal, 'workspaceId' | 'agentIds'>,
  model: string,
): Promise<NamedAgent> {
  const id = uuid.safeParse(model).data ?? null;
  const agents = await database.$queryRaw<NamedAgent[]>`
    SELECT id, slug, active, created_at AS "createdAt", allow_overrides AS "allowOverrides", max_output_tokens AS "maxOutputTokens",
           context_tokens AS "contextTokens", first_token_timeout_ms AS "firstTokenTimeoutMs", idle_timeout_ms AS "idleTimeoutMs",
           total_timeout_ms AS "totalTimeoutMs"
    FROM agent WHERE workspace_id = ${principal.workspaceId}::uuid AND (slug = ${model}::text OR id = ${id}::uuid)`;
  const agent = agents.find((each) => each.id === id) ?? agents[0];
  if (!agent || !reachesAgent(principal, agent.id)) throw agentNotFound(model);
  return agent;
}
