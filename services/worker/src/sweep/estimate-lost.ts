import { loadContextSource } from '@nexus/common/claim-invocations';
import type { Usage } from '@nexus/common/event';
import type { AttemptUsage } from '@nexus/common/invocation-status';
import { buildContext } from '../context/build-context.ts';
import { countTokens } from '../context/count-tokens.ts';
import { priceUsage } from '../usage/price-usage.ts';
import type { ChoreParts } from './end-unattended.ts';
import type { LogText } from './read-log-text.ts';

/**
 * What an attempt has probably cost whose worker can no longer tell: the provider had read its context, and said at least what the log
 * still has of it. Never rejects, as nothing may keep a lost attempt from being followed by another: what cannot be estimated is 0.
 */
export async function estimateLost(
  { database, logger }: Pick<ChoreParts, 'database' | 'logger'>,
  { invocationId, attempt }: { invocationId: string; attempt: number },
  said: LogText,
): Promise<AttemptUsage> {
  const usage: Usage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0, source: 'estimated' };
  try {
    const source = await loadContextSource(database, invocationId);
    if (source) {
      const spoken = said.attempt === attempt ? [said.text, said.reasoning] : []; // an earlier one has a record of its own
      const inputTokens = buildContext(source, countTokens).contextTokens;
      const outputTokens = spoken.reduce((sum, text) => sum + countTokens(text), 0);
      return priceUsage(source.settings, { ...usage, inputTokens, outputTokens });
    }
  } catch (error) {
    logger.warn({ error, invocationId, attempt }, 'what the lost attempt has cost could not be estimated');
  }
  return { ...usage, costMicroUsd: null, priceTableVersion: null };
}
