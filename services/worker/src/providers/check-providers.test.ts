import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkProviders } from './check-providers.ts';

const never = new AbortController().signal;
const json = { 'content-type': 'application/json' };

describe('checkProviders', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });

  async function listen<S extends Server>(server: S): Promise<string> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const serve = (listener: RequestListener) => listen(createServer({ keepAlive: false }, listener));
  const answering = (status: number, body: string, headers: Record<string, string> = json) =>
    serve((_request, response) => response.writeHead(status, { connection: 'close', ...headers }).end(body));

  type Name = 'openai' | 'gemini' | 'ollama';
  /** What the worker logs about a provider at this address. */
  async function check(name: Name, baseUrl: string, { signal = never, limitMs = 2_000, key = 'sk-secret-key' } = {}) {
    const lines: string[] = [];
    const log = (level: string) => (_fields: object, message: string) => void lines.push(`${level}: ${message}`);
    const config = {
      openai: { apiKey: key, baseUrl },
      gemini: { apiKey: key, baseUrl },
      ollama: { baseUrl },
      echo: { delayMs: 0 },
    };
    const logger = { warn: log('warn'), info: log('info') } as unknown as Parameters<typeof checkProviders>[2];
    await checkProviders(config, ['echo', name], logger, signal, limitMs);
    return lines;
  }

  it.each<[Name, url: string, header: string, value: string | undefined]>([
    ['openai', '/v1/models', 'authorization', 'Bearer sk-secret-key'],
    ['gemini', '/v1/v1beta/models?pageSize=1', 'x-goog-api-key', 'sk-secret-key'],
    ['ollama', '/v1/api/tags', 'authorization', undefined],
  ])('asks %s for its models, with its key, and logs nothing if it answers', async (name, url, header, value) => {
    const asked: [string | undefined, unknown][] = [];
    const host = await serve((request, response) => {
      asked.push([request.url, request.headers[header]]);
      response.writeHead(200, { connection: 'close', ...json }).end('{"models":[]}');
    });
    expect(await check(name, `http://${host}/v1`)).toEqual([]);
    expect(asked).toEqual([[url, value]]);
  });

  it.each<[Name, status: number, body: string, line: string]>([
    [
      'openai',
      401,
      '{"error":{"message":"Incorrect API key: sk-secret-key."}}',
      'OpenAI at HOST rejected the credentials (401: Incorrect API key: [key]); check OPENAI_API_KEY',
    ],
    [
      'openai',
      403,
      '{"error":{"message":"Country not supported"}}',
      'OpenAI at HOST refused us (403: Country not supported); check OPENAI_API_KEY and OPENAI_BASE_URL',
    ],
    [
      'gemini',
      400,
      '[{"error":{"message":"API key not valid."}}]',
      'Gemini at HOST refused us (400: API key not valid.); check GEMINI_API_KEY and GEMINI_BASE_URL',
    ],
    [
      'openai',
      404,
      '{"detail":"Not Found"}',
      'OpenAI at HOST has no list of models there (404: Not Found); check OPENAI_BASE_URL if its agents fail',
    ],
    ['ollama', 401, '', 'Ollama at HOST rejected the credentials (401); check OLLAMA_BASE_URL'],
    ['ollama', 500, '{"error":"no room"}', 'Ollama at HOST answers with an error (500: no room)'],
  ])('says what %s answered with %i, in one line', async (name, status, body, line) => {
    const host = await answering(status, body);
    expect(await check(name, `http://${host}`)).toEqual([`warn: ${line.replace('HOST', host)}`]);
  });

  it.each([
    [200, 'OpenAI at HOST answers with a web page in place of its models; check OPENAI_BASE_URL'],
    [502, 'OpenAI at HOST answers with an error (502: a web page)'],
  ])('does not accept a web page as an answer (%i), and does not log it', async (status, line) => {
    const host = await answering(status, '<h1>sign in</h1>', { 'content-type': 'text/html; charset=utf-8' });
    expect(await check('openai', `http://${host}`)).toEqual([`warn: ${line.replace('HOST', host)}`]);
  });

  it('logs nothing about a redirect, and does not send the key there', async () => {
    let followed = 0;
    const other = await serve((_request, response) => {
      followed += 1;
      response.end();
    });
    const host = await answering(307, '', { location: `http://${other}/v1/models` });
    expect(await check('gemini', `http://${host}`)).toEqual([]);
    expect(followed).toBe(0);
  });

  it('warns about an address where no server listens, and only informs about the default address of Ollama', async () => {
    const host = await serve(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await check('openai', `http://${host}`)).toEqual([
      `warn: OpenAI at ${host} cannot be reached (ECONNREFUSED: nothing listens there); check OPENAI_BASE_URL`,
    ]);
    expect(await check('ollama', `http://${host}`)).toEqual([expect.stringMatching(/^warn: Ollama at /)]);
    expect((await check('ollama', 'http://127.0.0.1:11434')).join()).not.toContain('warn');
  });

  it('names the reason if TLS fails', async () => {
    const host = await listen(
      createTcpServer((socket) =>
        socket
          .resume()
          .on('error', () => {})
          .end('no TLS here\n'),
      ),
    );
    const [line] = await check('openai', `https://${host}`);
    expect(line).toMatch(/^warn: OpenAI at 127\.0\.0\.1:\d+ cannot be reached \([^)]{5,}\); check OPENAI_BASE_URL$/);
    expect(line).not.toContain('fetch failed');
  });

  it('waits no longer than its limit, and not at all once the worker stops', async () => {
    const silent = await listen(createTcpServer((socket) => socket.resume().on('error', () => {})));
    expect(await check('openai', `http://${silent}`, { limitMs: 100 })).toEqual([
      `warn: OpenAI at ${silent} did not answer within 0.1 s; check OPENAI_BASE_URL`,
    ]);
    const stopping = new AbortController();
    const checking = check('openai', `http://${silent}`, { signal: stopping.signal, limitMs: 60_000 });
    stopping.abort();
    expect(await checking).toEqual([]);
  });
});
