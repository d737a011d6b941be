import type { InvocationEvent } from '@nexus/protocol/event';
import { io } from 'socket.io-client';
import { createShowEvents } from './show-events.ts';

export type ShownAgent = { id: string; name: string; avatar: string; provider: string; model: string };

const message =
  'Hello! This answer went through API, queue, worker, pub/sub and socket, one word at a time. Kill any of them meanwhile: nothing is lost.';
const standardLimitMs = 20_000;
const subscribeAgainMs = 1_000;

/** Posts a message to the Echo agent and writes its answer as the gateway sends it. Rejects with a reason in one line if no answer comes. */
export async function showFirstAnswer(
  { api, gateway, key }: { api: string; gateway: string; key: string | null },
  echo: ShownAgent,
  write: (text: string) => void,
  limitMs = standardLimitMs,
): Promise<void> {
  const response = await fetch(`${api}/api/invocations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...toHeaders(key) },
    body: JSON.stringify({ agentId: echo.id, message }),
    signal: AbortSignal.timeout(limitMs),
  });
  if (!response.ok) throw new Error(`the API refused the message with ${response.status}${await reasonOf(response)}`);
  const { id, conversationId } = (await response.json()) as { id: string; conversationId: string };

  const socket = io(gateway, { transports: ['websocket'], ...(key === null ? {} : { auth: { token: key } }) });
  const shown = createShowEvents(write);
  const over = Promise.withResolvers<void>();
  let lastTrouble = '';
  const timer = setTimeout(
    () => over.reject(new Error(`no event came for ${limitMs / 1_000} s${lastTrouble}`)),
    limitMs,
  );
  let cursor = 0;
  const subscribe = () =>
    socket.emit(
      'conversation:subscribe',
      { conversationId, cursors: { [id]: cursor } },
      ({ error }: { error?: { message: string } }) => {
        if (!error) return;
        lastTrouble = ` (${error.message})`;
        setTimeout(subscribe, subscribeAgainMs).unref();
      },
    );
  socket.on('invocation:event', (event: InvocationEvent) => {
    if (event.invocationId !== id) return;
    timer.refresh();
    cursor = event.seq;
    shown.take(event);
    if (shown.ended()) over.resolve();
  });
  socket.on('connect', subscribe);
  socket.on('connect_error', (error) => {
    lastTrouble = ` (${error.message})`;
  });
  socket.on('conversation:interrupted', () => void setTimeout(subscribe, subscribeAgainMs).unref());
  try {
    await over.promise;
    const failure = shown.ended()?.failure;
    if (failure) throw new Error(failure);
  } finally {
    clearTimeout(timer);
    socket.disconnect();
  }
}

/** The first page of agents, oldest first. */
export async function loadAgents(api: string, key: string | null): Promise<ShownAgent[]> {
  const response = await fetch(`${api}/api/agents`, {
    headers: toHeaders(key),
    signal: AbortSignal.timeout(standardLimitMs),
  });
  if (!response.ok) throw new Error(`the agents were refused with ${response.status}${await reasonOf(response)}`);
  return (await response.json()) as ShownAgent[];
}

function toHeaders(key: string | null): Record<string, string> {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

/** What a refusal (problem+json) says, in one line. */
async function reasonOf(response: Response): Promise<string> {
  const { detail, title } = (await response.json().catch(() => ({}))) as { detail?: unknown; title?: unknown };
  const reason = detail ?? title;
  return typeof reason === 'string' ? `: ${reason}` : '';
}
