import { AppError } from '@nexus/common/errors/app-error';
import { agentNotFound } from '@nexus/common/errors/not-found';
import type { InvocationOverrides } from '@nexus/common/invocations/new-invocation';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Principal } from '@nexus/common/principals/principal';
import { withoutUndefined } from '../http/without-undefined.ts';

/** Limits that anybody may lower. null is no limit of ours. */
const limits = ['maxOutputTokens', 'contextTokens', 'firstTokenTimeoutMs', 'idleTimeoutMs', 'totalTimeoutMs'] as const;

export type OverridableAgent = { allowOverrides: boolean } & Record<(typeof limits)[number], number | null>;

export const overridableFields = {
  allowOverrides: true,
  maxOutputTokens: true,
  contextTokens: true,
  firstTokenTimeoutMs: true,
  idleTimeoutMs: true,
  totalTimeoutMs: true,
} as const;

type Asked = { agentId: string; overrides: InvocationOverrides };

/** Throws `scope_missing` where the caller may not replace these settings of the agent. Reads nothing where there is nothing to decide. */
export async function assertMayOverride(
  database: Pick<Database, 'agent'>,
  principal: Pick<Principal, 'workspaceId' | 'scopes'>,
  { agentId: id, overrides }: Asked,
): Promise<void> {
  if (needsNoAgent(principal, overrides)) return;
  const { workspaceId } = principal;
  const agent = await database.agent.findFirst({ where: { id, workspaceId }, select: overridableFields });
  if (!agent) throw agentNotFound(id);
  assertOverridable(principal, agent, overrides);
}

/** The same for an agent that is known. */
export function assertOverridable(
  principal: Pick<Principal, 'scopes'>,
  agent: OverridableAgent,
  overrides: InvocationOverrides,
): void {
  if (needsNoAgent(principal, overrides) || agent.allowOverrides) return;
  const refused = namesOf(overrides).find((name) => !isFree(name) && !isLower(name, agent, overrides));
  if (refused === undefined) return;
  const message = 'needs a key with the scope manage, or an agent with allowOverrides';
  const allowed = limits.some((name) => name === refused) ? `above the agent's ${message}` : message;
  throw new AppError('scope_missing', `overrides.${refused}: ${allowed}`, {
    fields: [{ field: `overrides.${refused}`, message: allowed }],
  });
}

function needsNoAgent({ scopes }: Pick<Principal, 'scopes'>, overrides: InvocationOverrides): boolean {
  return scopes.includes('manage') || namesOf(overrides).every(isFree);
}

function namesOf(overrides: InvocationOverrides): (keyof InvocationOverrides)[] {
  return Object.keys(withoutUndefined(overrides)) as (keyof InvocationOverrides)[];
}

function isFree(name: keyof InvocationOverrides): boolean {
  return name === 'temperature' || name === 'topP';
}

function isLower(name: keyof InvocationOverrides, agent: OverridableAgent, overrides: InvocationOverrides): boolean {
  const limit = limits.find((each) => each === name);
  const asked = limit && overrides[limit];
  return limit !== undefined && asked != null && (agent[limit] === null || asked <= agent[limit]);
}
