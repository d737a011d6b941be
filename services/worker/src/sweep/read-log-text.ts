import type { LogAddress } from '@nexus/common/events/event-log-names';
import { readLog } from '@nexus/common/events/read-log';
import type { Redis } from '@nexus/common/redis/redis-connection';
import { fold, nothingShown, type Shown } from '@nexus/protocol/fold';

export type LogText = Pick<Shown, 'text' | 'reasoning' | 'seq' | 'attempt'>;

/**
 * Reads the answer from an invocation's log, up to the attempt `latest`. `seq` is the last seq that was read, `attempt` the attempt that wrote
 * it. Empty if there is no log. `seq` is -1 if Redis is away.
 */
export async function readLogText(
  redis: Redis,
  address: LogAddress,
  latest = Number.POSITIVE_INFINITY,
): Promise<LogText> {
  const said = nothingShown();
  try {
    for (let more = true; more; ) {
      const page = await readLog(redis, address, said.seq);
      for (const [index, event] of page.events.entries()) {
        const attempt = page.attempts[index] ?? 0;
        if (attempt > latest) return said;
        fold(said, event);
        said.attempt = attempt; // from the entry, as not every event names its attempt
      }
      more = page.more;
    }
    return said;
  } catch {
    return { ...nothingShown(), seq: -1 }; // Redis is away: the ending matters more than the partial text
  }
}
