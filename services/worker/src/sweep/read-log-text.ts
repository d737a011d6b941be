import type { LogAddress } from '@nexus/common/event-log-names';
import type { Redis } from '@nexus/common/open-redis';
import { readLog } from '@nexus/common/read-log';

export type LogText = { text: string; reasoning: string; seq: number; attempt: number };

/**
 * What an invocation's log says of its answer as far as `seq`, and which attempt said it; empty where there is no log. The seq is -1
 * where Redis does not say.
 */
export async function readLogText(redis: Redis, address: LogAddress): Promise<LogText> {
  let text = '';
  let reasoning = '';
  let attempt = 0;
  try {
    let seq = 0;
    for (let more = true; more; ) {
      const page = await readLog(redis, address, seq);
      for (const event of page.events) {
        if (event.type === 'invocation.restarted') [text, reasoning] = ['', ''];
        else if (event.type === 'message.delta') text += event.data.text;
        else if (event.type === 'reasoning.delta') reasoning += event.data.text;
        else if (event.type === 'invocation.snapshot') ({ text, reasoning } = event.data);
        seq = event.seq;
      }
      if (page.events.length > 0) attempt = page.attempt;
      more = page.more;
    }
    return { text, reasoning, seq, attempt };
  } catch {
    return { text: '', reasoning: '', seq: -1, attempt: 0 }; // Redis is away: the ending matters more than the partial text
  }
}
