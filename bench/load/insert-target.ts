import { randomUUID } from 'node:crypto';
import { beginAnswer } from './answer.ts';
import { postAccepted } from './post-json.ts';
import type { Target } from './target.ts';

/** The baseline of `baselines/insert`. It only stores the message: the POST is the whole answer. */
export function createInsertTarget({ apiUrl }: { apiUrl: string }): Target {
  async function ask() {
    const conversationId = randomUUID();
    const begun = beginAnswer();
    await postAccepted(`${apiUrl}/messages`, { conversationId, message: 'How are you?' });
    begun.accepted();
    begun.ended();
    return begun.done;
  }
  return {
    async open(_model, clients, asksPerClient) {
      const row = Array.from({ length: asksPerClient }, () => ask);
      return { asks: Array.from({ length: clients }, () => row), close() {} };
    },
  };
}
