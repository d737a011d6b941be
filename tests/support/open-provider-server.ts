import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { endFrames, finishFrame, toTextFrame } from './openai-frames.ts';
import { parsePace } from './paced-model.ts';

type ChatRequest = {
  model: string;
  messages: { role: string; content: string }[];
  max_tokens?: number;
  temperature?: number;
};

export type ProviderCall = {
  request: ChatRequest;
  startedAt: number;
  /** When the client left before the answer was complete, in milliseconds of performance.now(). */
  closedEarlyAt: number | null;
  complete: boolean;
  /** The text that was sent so far. */
  sent: string;
};

/** Answers one call in a special way. The server itself has written nothing yet. */
export type Behaviour = (call: ProviderCall, response: ServerResponse, gone: AbortSignal) => Promise<void>;

export type ProviderServer = {
  /** The base URL for OPENAI_BASE_URL. */
  url: string;
  calls: ProviderCall[];
  /** Calls whose last message is this one, alone or joined with those before it that were not answered. */
  callsFor(message: string): ProviderCall[];
  /** Sets the behaviour of the next calls, in order. Later calls have the pace of the model's name again. */
  next(...behaviours: Behaviour[]): void;
  /** Forgets the behaviours that no call has come for. */
  forgetNext(): void;
  close(): Promise<void>;
};

/**
 * A server that speaks OpenAI's chat completions. The model's name sets the pace: `t50-n64-d20` waits 50 ms, then sends 64 chunks,
 * 20 ms apart.
 */
export async function openProviderServer({ host = '127.0.0.1', port = 0 } = {}): Promise<ProviderServer> {
  const calls: ProviderCall[] = [];
  const queued: Behaviour[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') return listModels(response);
    const call: ProviderCall = {
      request: JSON.parse(await readBody(request)) as ChatRequest,
      startedAt: performance.now(),
      closedEarlyAt: null,
      complete: false,
      sent: '',
    };
    calls.push(call);
    const gone = new AbortController();
    response.once('close', () => {
      if (!call.complete) call.closedEarlyAt = performance.now();
      gone.abort();
    });
    await (queued.shift() ?? paced)(call, response, gone.signal);
  }

  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/v1`,
    calls,
    callsFor: (message) =>
      calls.filter(({ request }) => `\n\n${request.messages.at(-1)?.content}`.endsWith(`\n\n${message}`)),
    next: (...behaviours) => void queued.push(...behaviours),
    forgetNext: () => void queued.splice(0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A worker asks for the list of models when it starts. */
function listModels(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"list","data":[]}');
}

/** The text of chunk `index` of a paced answer. */
export function pacedChunk(index: number): string {
  return `word${index} `;
}

export const paced: Behaviour = async (call, response, gone) => {
  const { firstMs, chunks, gapMs } = parsePace(call.request.model);
  await pause(firstMs, gone);
  beginStream(response);
  for (let index = 0; index < chunks && !gone.aborted; index += 1) {
    if (index > 0) await pause(gapMs, gone);
    sendText(call, response, pacedChunk(index));
  }
  finishStream(call, response);
};

export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
}

export function sendText(call: ProviderCall, response: ServerResponse, text: string): void {
  if (response.destroyed) return;
  call.sent += text;
  response.write(toTextFrame(text));
}

export function finishStream(call: ProviderCall, response: ServerResponse): void {
  if (response.destroyed) return;
  call.complete = true;
  response.write(finishFrame);
  response.end(endFrames);
}

/** Resolves after this many milliseconds, or at once when the client has left. */
export function pause(ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) return resolve();
    const timer = setTimeout(done, ms);
    gone.addEventListener('abort', done);
    function done() {
      clearTimeout(timer);
      gone.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** An HTTP error with a body like OpenAI's. */
export function failing(
  status: number,
  error: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Behaviour {
  return async (_call, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ error: { message: `status ${status}`, ...error } }));
  };
}

/** Sends headers, then nothing until the client leaves. */
export const silent: Behaviour = async (_call, response, gone) => {
  beginStream(response);
  await new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve()));
};

/** Accepts the request and sends nothing, not even headers, until the client leaves. */
export const mute: Behaviour = (_call, _response, gone) =>
  new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve()));

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}
