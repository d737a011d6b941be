import type { InvocationEvent } from '@nexus/protocol/event';
import { isLastEvent } from '@nexus/protocol/event';
import { io } from 'socket.io-client';

export type ShownAgent = { id: string; name: string; avatar: string; provider: string; model: string };

const message =
  'Hello! This answer went through API, queue, worker, pub/sub and socket, one word at a time. Kill any of them meanwhile: nothing is lost.';
const limitMs = 20_000;

/** Posts a message to the Echo agent and writes its answer as the gateway sends it. */
export async function showFirstAnswer(
  apiUrl: string,
  gatewayUrl: string,
  echo: ShownAgent,
  write: (text: string) => void,
): Promise<void> {
  const response = await fetch(`${apiUrl}/api/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ agentId: echo.id, message }),
  });
  if (!response.ok) throw new Error(`the first message was not taken: ${await response.text()}`);
  const { id, conversationId } = (await response.json()) as { id: string; conversationId: string };

  const socket = io(gatewayUrl, { transports: ['websocket'] });
  const over = Promise.withResolvers<InvocationEvent>();
  const timer = setTimeout(
    () => over.reject(new Error(`nothing of the first answer came for ${limitMs / 1_000} s`)),
    limitMs,
  );
  socket.on('invocation:event', (event: InvocationEvent) => {
    if (event.invocationId !== id) return;
    timer.refresh();
    if (event.type === 'message.delta') write(event.data.text);
    if (isLastEvent(event)) over.resolve(event);
  });
  socket.on('connect', () => {
    socket.emit(
      'conversation:subscribe',
      { conversationId, cursors: { [id]: 0 } },
      (answer: { error?: { message: string } }) => {
        if (answer.error) over.reject(new Error(answer.error.message));
      },
    );
  });
  try {
    const last = await over.promise;
    if (last.type !== 'invocation.completed') throw new Error(`the first answer ended as ${last.type}`);
  } finally {
    clearTimeout(timer);
    socket.disconnect();
  }
}

export async function loadAgents(apiUrl: string): Promise<ShownAgent[]> {
  return (await (await fetch(`${apiUrl}/api/agents`)).json()) as ShownAgent[];
}
