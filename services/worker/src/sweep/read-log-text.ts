import type { LogAddress } from '@nexus/common/event-log-names';
import type { Redis } from '@nexus/common/open-redis';
import { readLog } from '@nexus/common/read-log';

/** What an invocation's log says of its answer so far; empty where there is no log. */
export async function readLogText(redis: Redis, address: LogAddress): Promise<{ text: string; reasoning: string }> {
  let text = '';
  let reasoning = '';
  try {
    for (let after = 0, more = true; more; ) {
      const page = await readLog(redis, address, after);
      for (const event of page.events) {
        if (event.type === 'invocation.restarted') [text, reasoning] = ['', ''];
        else if (event.type === 'message.delta') text += event.data.text;
        else if (event.type === 'reasoning.delta') reasoning += event.data.text;
        else if (event.type === 'invocation.snapshot') ({ text, reasoning } = event.data);
        after = event.seq;
      }
      more = page.more;
    }
  } catch {
    return { text: '', reasoning: '' }; // Redis is away: the ending matters more than the partial text
  }
  return { text, reasoning };
}
