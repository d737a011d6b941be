import { assertDeclared } from './assert-declared.ts';

/** A parsed answer of the API; the body is typed by whoever asks. */
export type Answer<T> = { status: number; headers: Headers; body: T };

export type ShownInvocation = {
  id: string;
  conversationId: string;
  agentId: string;
  status: string;
  lastSeq: number;
  attempt: number;
  output: string | null;
  outputMessageId: string | null;
  error: { code: string; message: string } | null;
  usage: { attempt: number; inputTokens: number; outputTokens: number; source: string; costMicroUsd: number | null }[];
  workersOnline?: number;
};

export type ApiClient = {
  get<T>(path: string, headers?: Record<string, string>): Promise<Answer<T>>;
  send<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>>;
  invoke(body: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer<ShownInvocation>>;
  /** Waits for the end of the invocation and returns it. Throws if it does not end within the limit. */
  finished(id: string, limitSeconds?: number): Promise<ShownInvocation>;
};

export function createApiClient(baseUrl: () => string): ApiClient {
  async function send<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${baseUrl()}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = text === '' ? null : JSON.parse(text);
    assertDeclared(method, path, response.status, response.headers.get('content-type') ?? '', answer);
    return { status: response.status, headers: response.headers, body: answer as T };
  }
  return {
    send,
    get: (path, headers) => send('GET', path, undefined, headers),
    invoke: (body, headers) => send('POST', '/api/invocations', body, headers),
    async finished(id, limitSeconds = 20) {
      const { body } = await send<ShownInvocation>('GET', `/api/invocations/${id}?wait=${limitSeconds}`);
      if (body.status === 'queued' || body.status === 'running')
        throw new Error(`invocation ${id} is still ${body.status}`);
      return body;
    },
  };
}
