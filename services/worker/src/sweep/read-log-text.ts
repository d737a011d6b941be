import type { LogAddress } from '@nexus/common/events/event-log-names';
import { readLog } from '@nexus/common/events/read-log';
import type { Redis } from '@nexus/common/redis/redis-connection';

export type LogText = { text: string; reasoning: string; seq: number; attempt: number };

/**
 * What an invocation's log says of its answer as far as `seq`, and which attempt said that; nothing of those after the `latest`. Empty
 * where there is no log. The seq is -1 where Redis does not say.
 */
export async function readLogText(
  redis: Redis,
  address: LogAddress,
  latest = Number.POSITIVE_INFINITY,
): Promise<LogText> {
  const said: LogText = { text: '', reasoning: '', seq: 0, attempt: 0 };
  try {
    for (let more = true; more; ) {
      const page = await readLog(redis, address, said.seq);
      for (const [index, event] of page.events.entries()) {
        const attempt = page.attempts[index] ?? 0;
        if (attempt > latest) return said;
        if (event.type === 'invocation.restarted') Object.assign(said, { text: '', reasoning: '' });
        else if (event.type === 'message.delta') said.text += event.data.text;
        else if (event.type === 'reasoning.delta') said.reasoning += event.data.text;
        else if (event.type === 'invocation.snapshot')
          Object.assign(said, { text: event.data.text, reasoning: event.data.reasoning });
        Object.assign(said, { seq: event.seq, attempt });
      }
      more = page.more;
    }
    return said;
  } catch {
    return { text: '', reasoning: '', seq: -1, attempt: 0 }; // Redis is away: the ending matters more than the partial text
  }
}
