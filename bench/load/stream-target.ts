import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { InvocationEvent } from '@nexus/protocol/event';
import { createParser } from 'eventsource-parser';
import { createApiClient } from '../../tests/support/api-client.ts';
import { createPacedAgent } from '../../tests/support/create-paced-agent.ts';
import { beginAnswer, type PendingAnswer } from './answer.ts';
import { inBatches } from './connect.ts';
import { noteEvent } from './note-event.ts';
import { postJson } from './post-json.ts';
import type { Ask, Target } from './target.ts';

/** Idle connections are given up before the server's five seconds are over. */
const agent = new Agent({ keepAlive: true, timeout: 3_000 });

/** The system without its gateway: each answer is the event stream of its POST, in a conversation that was made beforehand. */
export function createStreamTarget({ apiUrl }: { apiUrl: string }): Target {
  const api = createApiClient(() => apiUrl);

  async function makeAsk(agentId: string): Promise<Ask> {
    const { body } = await postJson(`${apiUrl}/api/conversations`, {});
    const conversationId: string = JSON.parse(body).id;
    return () => {
      const begun = beginAnswer();
      postForStream(`${apiUrl}/api/invoke`, { agentId, conversationId, message: 'How are you?' }, begun);
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

function postForStream(url: string, body: unknown, answer: PendingAnswer): void {
  const payload = JSON.stringify(body);
  const headers = {
    accept: 'text/event-stream',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(payload),
  };
  const parser = createParser({ onEvent: ({ data }) => noteEvent(answer, JSON.parse(data) as InvocationEvent) });
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    if (response.statusCode !== 200) return answer.failed(`POST ${url} was answered ${response.statusCode}`);
    answer.accepted();
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => parser.feed(chunk));
    response.on('error', answer.failed);
  });
  sent.on('error', answer.failed);
  sent.end(payload);
}
