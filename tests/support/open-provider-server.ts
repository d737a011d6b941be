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
  /** Set when the client went away before the answer was complete; milliseconds of performance.now(). */
  closedEarlyAt: number | null;
  complete: boolean;
  /** What was sent so far. */
  sent: string;
};

/** Answers one call in a way of its own; the server has done nothing yet. */
export type Behaviour = (call: ProviderCall, response: ServerResponse, gone: AbortSignal) => Promise<void>;

export type ProviderServer = {
  /** The base URL for OPENAI_BASE_URL. */
  url: string;
  calls: ProviderCall[];
  /** Calls whose last message is this one, alone or joined with those before it that were not answered. */
  callsFor(message: string): ProviderCall[];
  /** Behaviours of the next calls, first come first served; then the pace that the model's name says. */
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

/** What a worker asks for at its start. */
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

/** Resolves after so many milliseconds, or at once when the client is gone. */
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

/** An HTTP error with a body as OpenAI sends them. */
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

/** Takes the request and does not even send headers, until the client leaves. */
export const mute: Behaviour = (_call, _response, gone) =>
  new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve()));

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}
