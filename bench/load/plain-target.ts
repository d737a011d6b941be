import { randomUUID } from 'node:crypto';
import { beginAnswer, type PendingAnswer } from './answer.ts';
import { connect, inBatches } from './connect.ts';
import { postAccepted } from './post-json.ts';
import type { Ask, Target } from './target.ts';

type Urls = { apiUrl: string; gatewayUrl: string };

/** The baseline of `baselines/plain`. Each conversation has a room, which its client joins beforehand. */
export function createPlainTarget(urls: Urls): Target {
  return {
    async open(model, clients, asksPerClient) {
      const each = Array.from({ length: clients });
      const opened = await inBatches(each, 16, () => openClient(urls, model, asksPerClient));
      return {
        asks: opened.map(({ asks }) => asks),
        close: () => {
          for (const { close } of opened) close();
        },
      };
    },
  };
}

async function openClient({ apiUrl, gatewayUrl }: Urls, model: string, count: number) {
  const pending = new Map<string, PendingAnswer>();
  const socket = await connect(gatewayUrl);
  socket.on('chunk', ({ conversationId, text }) => pending.get(conversationId)?.text(text));
  socket.on('done', ({ conversationId }) => pending.get(conversationId)?.ended());
  socket.on('failed', ({ conversationId, message }) => pending.get(conversationId)?.failed(message));

  const asks: Ask[] = [];
  for (let index = 0; index < count; index += 1) {
    const conversationId = randomUUID();
    await socket.emitWithAck('join', conversationId);
    asks.push(() => {
      const begun = beginAnswer();
      pending.set(conversationId, begun);
      postAccepted(`${apiUrl}/invoke`, { model, conversationId, message: 'How are you?' }).then(
        begun.accepted,
        begun.failed,
      );
      return begun.done.finally(() => pending.delete(conversationId));
    });
  }
  return { asks, close: () => void socket.disconnect() };
}
