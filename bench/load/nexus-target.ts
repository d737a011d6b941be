import type { InvocationEvent } from '@nexus/protocol/event';
import { type ApiClient, createApiClient } from '../../tests/support/api-client.ts';
import { createPacedAgent } from '../../tests/support/create-paced-agent.ts';
import { beginAnswer, type PendingAnswer } from './answer.ts';
import { connect, inBatches } from './connect.ts';
import { noteEvent } from './note-event.ts';
import { postAccepted, postJson } from './post-json.ts';
import type { Ask, Target } from './target.ts';

type Urls = { apiUrl: string; gatewayUrl: string };

/** The system. Each client creates its conversations and subscribes to them beforehand, then posts one message to each. */
export function createNexusTarget({ apiUrl, gatewayUrl }: Urls): Target {
  const agents = new Map<string, Promise<string>>();
  const api = createApiClient(() => apiUrl);

  return {
    async open(model, clients, asksPerClient) {
      const agentId = await agentFor(agents, api, model);
      const each = Array.from({ length: clients });
      const opened = await inBatches(each, 16, () => openClient({ apiUrl, gatewayUrl }, agentId, asksPerClient));
      return {
        asks: opened.map(({ asks }) => asks),
        close: () => {
          for (const { close } of opened) close();
        },
      };
    },
  };
}

function agentFor(agents: Map<string, Promise<string>>, api: ApiClient, model: string): Promise<string> {
  const known = agents.get(model) ?? createPacedAgent(api, model);
  agents.set(model, known);
  return known;
}

async function openClient({ apiUrl, gatewayUrl }: Urls, agentId: string, count: number) {
  const pending = new Map<string, PendingAnswer>();
  const socket = await connect(gatewayUrl);
  socket.on('invocation:event', (event: InvocationEvent) => {
    noteEvent(pending.get(event.conversationId), event);
  });
  socket.on('conversation:interrupted', ({ conversationId }) => pending.get(conversationId)?.failed('interrupted'));

  const asks: Ask[] = [];
  for (let index = 0; index < count; index += 1) {
    const { body } = await postJson(`${apiUrl}/api/conversations`, {});
    const conversationId: string = JSON.parse(body).id;
    const answer = await socket.emitWithAck('conversation:subscribe', { conversationId });
    if (!answer.data) throw new Error(`not subscribed: ${JSON.stringify(answer)}`);
    asks.push(() => {
      const begun = beginAnswer();
      pending.set(conversationId, begun);
      postAccepted(`${apiUrl}/api/invocations`, { agentId, conversationId, message: 'How are you?' }).then(
        begun.accepted,
        begun.failed,
      );
      return begun.done.finally(() => pending.delete(conversationId));
    });
  }
  return { asks, close: () => void socket.disconnect() };
}
