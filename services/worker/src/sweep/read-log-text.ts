import type { LogAddress } from '@nexus/common/event-log-names';
import type { Redis } from '@nexus/common/open-redis';
import { readLog } from '@nexus/common/read-log';

/** What an invocation's log says of its answer as far as `seq`; empty where there is no log. The seq is -1 where Redis does not say. */
export async function readLogText(
  redis: Redis,
  address: LogAddress,
): Promise<{ text: string; reasoning: string; seq: number }> {
  let text = '';
  let reasoning = '';
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
      more = page.more;
    }
    return { text, reasoning, seq };
  } catch {
    return { text: '', reasoning: '', seq: -1 }; // Redis is away: the ending matters more than the partial text
  }
}
