import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import { type ContextSource, loadContextSource } from '@nexus/common/invocations/status/claim-invocations';
import { type AttemptUsage, noteUsage } from '@nexus/common/invocations/usage-record';
import type { Logger } from '@nexus/common/logging/create-logger';
import type { Database } from '@nexus/common/postgres/open-database';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { atMost } from '@nexus/common/timing/at-most';
import { buildContext } from '../context/build-context.ts';
import { countTokens } from '../context/count-tokens.ts';
import { priceUsage } from '../usage/price-usage.ts';
import type { WorkerMetrics } from '../worker-metrics.ts';
import { type LogText, readLogText } from './read-log-text.ts';

export type ReckonerParts = {
  database: Database;
  redis: Redis;
  logger: Pick<Logger, 'warn'>;
  onUsed: WorkerMetrics['used'];
};

/** How long a stopping worker continues with the estimates that wait. */
const stopLimitMs = 1_000;

/**
 * Estimates the usage of lost attempts, one after the other. It begins only after the loss is written and the next attempt is dispatched, so
 * that an estimate never delays the recovery. If an attempt's context crashes this worker too, its loss has been counted.
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

/** Never rejects. Usage that cannot be estimated stays at 0. */
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
    logger.warn({ error, invocationId, attempt }, 'the usage of a lost attempt could not be estimated');
  }
}

/** An attempt appends `invocation.started` before it calls its provider. If the log ends with an earlier attempt, there was no call. */
function isBeforeAsking({ seq, attempt }: LogText, lost: AttemptId): boolean {
  return seq > 0 && attempt < lost.attempt;
}

/** The input is the context as it would be built now. The output is what the log still has of the attempt, which may be too little. */
function estimate(source: ContextSource, said: LogText, { attempt }: AttemptId): AttemptUsage {
  const texts = said.attempt === attempt ? [said.text, said.reasoning] : [];
  return priceUsage(source.settings, {
    inputTokens: buildContext(source, countTokens).contextTokens,
    outputTokens: texts.reduce((sum, text) => sum + countTokens(text), 0),
    cachedTokens: 0,
    source: 'estimated',
  });
}
