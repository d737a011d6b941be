import { randomUUID } from 'node:crypto';
import { createApiClient } from '../../tests/support/api-client.ts';
import { createPacedAgent } from '../../tests/support/create-paced-agent.ts';
import { beginAnswer, type PendingAnswer } from './answer.ts';
import { postForStream } from './post-for-stream.ts';
import type { Target } from './target.ts';

type Chunk = { choices?: { delta: { content?: string } }[]; error?: unknown };

/** The system as a client of OpenAI's Chat Completions asks it: each answer is the stream of its POST. */
export function createChatTarget({ apiUrl }: { apiUrl: string }): Target {
  const api = createApiClient(() => apiUrl);
  return {
    async open(pace, clients, asksPerClient) {
      const model = await createPacedAgent(api, pace, { name: `${pace}, read as chunks ${randomUUID()}` });
      const body = { model, messages: [{ role: 'user', content: 'How are you?' }], stream: true };
      const ask = () => {
        const begun = beginAnswer();
        postForStream(`${apiUrl}/v1/chat/completions`, body, begun, (data) => noteChunk(begun, data));
        return begun.done;
      };
      return {
        asks: Array.from({ length: clients }, () => Array.from({ length: asksPerClient }, () => ask)),
        close() {},
      };
    },
  };
}

function noteChunk(answer: PendingAnswer, data: string): void {
  if (data === '[DONE]') {
    answer.ended();
    return;
  }
  const { choices, error } = JSON.parse(data) as Chunk;
  const text = choices?.[0]?.delta.content;
  if (error) answer.failed(error);
  else if (text) answer.text(text);
}
