import { randomUUID } from 'node:crypto';
import type { InvocationEvent } from '@nexus/protocol/event';
import { createApiClient } from '../../tests/support/api-client.ts';
import { createPacedAgent } from '../../tests/support/create-paced-agent.ts';
import { beginAnswer } from './answer.ts';
import { inBatches } from './connect.ts';
import { noteEvent } from './note-event.ts';
import { postForStream } from './post-for-stream.ts';
import { postJson } from './post-json.ts';
import type { Ask, Target } from './target.ts';

/** The system without its gateway: each answer is the event stream of its POST, in a conversation that was made beforehand. */
export function createStreamTarget({ apiUrl }: { apiUrl: string }): Target {
  const api = createApiClient(() => apiUrl);

  async function makeAsk(agentId: string): Promise<Ask> {
    const { body } = await postJson(`${apiUrl}/api/conversations`, {});
    const conversationId: string = JSON.parse(body).id;
    return () => {
      const begun = beginAnswer();
      const body = { agentId, conversationId, message: 'How are you?' };
      postForStream(`${apiUrl}/api/invoke`, body, begun, (data) =>
        noteEvent(begun, JSON.parse(data) as InvocationEvent),
      );
      return begun.done;
    };
  }
  return {
    async open(model, clients, asksPerClient) {
      const agentId = await createPacedAgent(api, model, { name: `${model}, read as a stream ${randomUUID()}` });
      const asks = await inBatches(Array.from({ length: clients * asksPerClient }), 16, () => makeAsk(agentId));
      return {
        asks: Array.from({ length: clients }, (_, index) =>
          asks.slice(index * asksPerClient, (index + 1) * asksPerClient),
        ),
        close() {},
      };
    },
  };
}
