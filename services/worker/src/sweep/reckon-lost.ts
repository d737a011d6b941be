import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import { type ContextSource, loadContextSource } from '@nexus/common/invocations/status/claim-invocations';
import { type AttemptUsage, noteUsage } from '@nexus/common/invocations/usage-record';
import type { Logger } from '@nexus/common/logging/create-logger';
import type { PrismaClient } from '@nexus/common/postgres/open-database';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { atMost } from '@nexus/common/timing/at-most';
import { buildContext } from '../context/build-context.ts';
import { countTokens } from '../context/count-tokens.ts';
import { priceUsage } from '../usage/price-usage.ts';
import type { WorkerMetrics } from '../worker-metrics.ts';
import { type LogText, readLogText } from './read-log-text.ts';

export type ReckonerParts = {
  database: PrismaClient;
  redis: Redis;
  logger: Pick<Logger, 'warn'>;
  onUsed: WorkerMetrics['used'];
};

/** How long a stopping worker goes on with what it has been told of. */
const stopLimitMs = 1_000;

/**
 * Estimates what attempts have cost that were lost with their workers, one after the other. Only once the loss is written and another
 * attempt is on its way: nothing of this may hold that up, and should an attempt's context be what takes workers with it, it is counted.
 */
export function createLostReckoner(parts: ReckonerParts): { add(lost: AttemptId): void; stop(): Promise<void> } {
  let last: Promise<void> = Promise.resolve();
  return {
    add(lost) {
      last = last.then(() => reckon(parts, lost));
    },
    stop: () => atMost(stopLimitMs, last, undefined),
  };
}

/** Never rejects: what cannot be estimated stays at 0. */
async function reckon({ database, redis, logger, onUsed }: ReckonerParts, lost: AttemptId): Promise<void> {
  try {
    const said = await readLogText(redis, lost, lost.attempt);
    if (isBeforeAsking(said, lost)) return;
    const source = await loadContextSource(database, lost.invocationId);
    if (!source) return;
    const usage = estimate(source, said, lost);
    if (await noteUsage(database, lost, usage)) onUsed(source, usage);
  } catch (error) {
    const { invocationId, attempt } = lost;
    logger.warn({ error, invocationId, attempt }, 'what the lost attempt has cost could not be estimated');
  }
}

/** It says that it starts, and then asks its provider: where the log goes no further than what came before it, it never did. */
function isBeforeAsking({ seq, attempt }: LogText, lost: AttemptId): boolean {
  return seq > 0 && attempt < lost.attempt;
}

/** The provider had read the context, as far as it is the same now, and said at least what the log still has of it. */
function estimate(source: ContextSource, said: LogText, { attempt }: AttemptId): AttemptUsage {
  const spoken = said.attempt === attempt ? [said.text, said.reasoning] : [];
  return priceUsage(source.settings, {
    inputTokens: buildContext(source, countTokens).contextTokens,
    outputTokens: spoken.reduce((sum, text) => sum + countTokens(text), 0),
    cachedTokens: 0,
    source: 'estimated',
  });
}
