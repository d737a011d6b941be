import type { Usage } from '@nexus/protocol/event';
import { newId } from '../postgres/new-id.ts';
import { Prisma } from '../postgres/open-database.ts';
import type { Queryable } from '../postgres/queryable.ts';

/** The usage and the cost of an attempt, as stored. */
export type AttemptUsage = Usage & { costMicroUsd: bigint | null; priceTableVersion: string | null };

/** The usage of a lost attempt until it is estimated. */
export const unknownUsage: AttemptUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cachedTokens: 0,
  source: 'estimated',
  costMicroUsd: null,
  priceTableVersion: null,
};

/** Stores the estimated usage of a lost attempt. False: its record has a usage already, or there is no record. */
export async function noteUsage(
  database: Queryable,
  { invocationId, attempt }: { invocationId: string; attempt: number },
  usage: AttemptUsage,
): Promise<boolean> {
  const noted = await database.query<unknown>`
    UPDATE usage_record SET input_tokens = ${usage.inputTokens}::int, output_tokens = ${usage.outputTokens}::int,
           cached_tokens = ${usage.cachedTokens}::int, cost_micro_usd = ${usage.costMicroUsd}::bigint,
           price_table_version = ${usage.priceTableVersion}::text
    WHERE invocation_id = ${invocationId}::uuid AND attempt = ${attempt}::int AND source = 'estimated' AND input_tokens = 0 AND output_tokens = 0
    RETURNING 1`;
  return noted.length > 0;
}

/** A clause `used` that inserts the usage record of the attempt in a statement's clause `back`. */
export function usedBy(usage: AttemptUsage | null): Prisma.Sql {
  return Prisma.sql`used AS (
      INSERT INTO usage_record (id, workspace_id, api_key_id, user_id, invocation_id, attempt, provider, model, input_tokens, output_tokens, cached_tokens,
                                reasoning_tokens, source, cost_micro_usd, price_table_version)
      SELECT ${newId()}::uuid, back.workspace_id, back.api_key_id, back.user_id, back.id, back.attempt, back.provider, back.model, ${usage?.inputTokens ?? 0}::int,
             ${usage?.outputTokens ?? 0}::int, ${usage?.cachedTokens ?? 0}::int, ${usage?.reasoningTokens ?? null}::int, ${usage?.source ?? 'estimated'}::"UsageSource",
             ${usage?.costMicroUsd ?? null}::bigint, ${usage?.priceTableVersion ?? null}::text
      FROM back WHERE ${usage !== null}::bool
      ON CONFLICT (invocation_id, attempt) DO NOTHING)`;
}
