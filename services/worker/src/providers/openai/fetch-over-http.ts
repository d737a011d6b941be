import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * `fetch` as far as a provider's client needs it, over node:http: the runtime's own costs about half as much again for each chunk of
 * an answer. The body of a good response is the message itself, to be read as it comes. Connections are kept and used again.
 */
export function createFetchOverHttp(): Fetch {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true });

  return async (input, { method, headers, body, signal } = {}) => {
    signal?.throwIfAborted();
    const url = new URL(input instanceof Request ? input.url : input);
    const options = {
      ...(method === undefined ? {} : { method }),
      headers: Object.fromEntries(new Headers(headers)),
      ...(signal ? { signal } : {}),
    };
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, agent: https })
        : httpRequest(url, { ...options, agent: http });
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', reject);
      request.end(body);
    });
    return toResponse(message);
  };
}

async function toResponse(message: IncomingMessage): Promise<Response> {
  const { statusCode: status = 0 } = message;
  const init = { status, headers: toHeaders(message.headers) };
  if (status < 200 || status > 299) return new Response(new Uint8Array(await buffer(message)), init);
  return Object.defineProperty(new Response(null, init), 'body', { value: message });
}

function toHeaders(headers: IncomingHttpHeaders): Headers {
  return new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
