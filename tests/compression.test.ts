import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from './support/make-key.ts';
import { openStack, type Stack } from './support/open-stack.ts';

type Got = { status: number | undefined; headers: IncomingHttpHeaders; body: Buffer };

describe('compression', () => {
  let stack: Stack;
  let operator: string;
  beforeAll(async () => {
    stack = await openStack({ gateways: 0, workers: 1 });
    operator = await makeKey(stack.testDatabase.url, ['read', 'invoke', 'manage', 'admin', 'operator']);
  });
  afterAll(() => stack.close());

  /** As it comes over the wire: fetch would unpack it. */
  function send(path: string, headers: Record<string, string> = {}, body?: object): Promise<Got> {
    const { hostname, port } = new URL(stack.apiUrl);
    const method = body ? 'POST' : 'GET';
    const all = { ...(body ? { 'content-type': 'application/json' } : {}), ...headers };
    return new Promise((resolve, reject) => {
      httpRequest({ hostname, port, path, method, headers: all }, (response) => {
        const { statusCode: status, headers: got } = response;
        buffer(response).then((bytes) => resolve({ status, headers: got, body: bytes }), reject);
      })
        .once('error', reject)
        .end(body && JSON.stringify(body));
    });
  }

  it.each([
    ['br', (body: Buffer) => brotliDecompressSync(body)],
    ['gzip', (body: Buffer) => gunzipSync(body)],
  ])('makes long JSON shorter for clients that read %s', async (encoding, decode) => {
    const plain = await send('/api/agents');
    const packed = await send('/api/agents', { 'accept-encoding': `${encoding}, deflate` });
    expect(plain.headers).toMatchObject({ vary: expect.stringContaining('Accept-Encoding') });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(packed.headers).toMatchObject({
      'content-encoding': encoding,
      'content-type': 'application/json; charset=utf-8',
      vary: expect.stringContaining('Accept-Encoding'),
    });
    expect(packed.body.length).toBeLessThan(plain.body.length / 2);
    expect(decode(packed.body).equals(plain.body)).toBe(true);
  });

  it('leaves short answers as they are', async () => {
    const body = { agentId: stack.echoAgentId, message: 'Hello!' };
    const posted = await send('/api/invocations', { 'accept-encoding': 'br, gzip' }, body);
    expect(posted.status).toBe(202);
    expect(posted.headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(String(posted.body))).toMatchObject({ agentId: stack.echoAgentId });
  });

  it('leaves event streams as they are, running and over', async () => {
    const body = { agentId: stack.echoAgentId, message: 'word '.repeat(300) };
    const headers = { accept: 'text/event-stream', 'accept-encoding': 'br, gzip' };
    const running = await send('/api/invocations', headers, body);
    expect(running.headers['content-type']).toContain('text/event-stream');
    const id = /"invocationId":"([^"]+)"/.exec(String(running.body))?.[1];
    const over = await send(`/api/invocations/${id}/events`, headers);
    for (const stream of [running, over]) {
      expect(stream.headers['content-encoding']).toBeUndefined();
      expect(stream.body.length).toBeGreaterThan(1_024);
      expect(String(stream.body)).toContain('event: invocation.completed');
    }
  });

  it('leaves answers with secrets as they are, and lets nobody store them', async () => {
    const headers = { 'accept-encoding': 'br, gzip', authorization: `Bearer ${operator}` };
    const agentIds = Array.from({ length: 100 }, () => stack.echoAgentId); // a long answer
    const key = await send('/api/keys', headers, { name: 'Secret', scopes: ['read'], agentIds });
    const { id } = JSON.parse(String(key.body)) as { id: string };
    const rotated = await send(`/api/keys/${id}/rotate`, headers, {});
    const token = await send('/api/tokens', headers, {});
    for (const secret of [key, rotated, token]) {
      expect(secret.headers['cache-control']).toBe('no-store');
      expect(secret.headers['content-encoding']).toBeUndefined();
      expect(JSON.parse(String(secret.body))).toHaveProperty('token');
    }
    expect(key.body.length).toBeGreaterThan(1_024);
  });

  it('packs files once and lets browsers keep those whose address has their version', async () => {
    const page = String((await send('/docs')).body);
    const [, address = ''] = /src="([^"]*swagger-ui-bundle[^"]*)"/.exec(page) ?? [];
    expect(address).toContain('?v=');
    const packed = await send(address, { 'accept-encoding': 'gzip, br' });
    expect(packed.headers).toMatchObject({
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    const plain = await send(address.split('?')[0] ?? '');
    expect(plain.headers['cache-control']).toBe('no-cache');
    expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
    expect(packed.body.length).toBeLessThan(plain.body.length / 3);
    const etag = String(plain.headers.etag);
    const again = await send(address, { 'accept-encoding': 'br', 'if-none-match': etag });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const image = await send('/docs/favicon-32x32.png', { 'accept-encoding': 'br' });
    expect(image.headers['content-encoding']).toBeUndefined();
  });

  it('sends the document as a whole, and 304 to who has it', async () => {
    const document = await send('/api/openapi.json', { 'accept-encoding': 'br' });
    expect(document.headers).toMatchObject({ 'content-encoding': 'br', 'cache-control': 'no-cache' });
    expect(JSON.parse(String(brotliDecompressSync(document.body)))).toMatchObject({ openapi: '3.1.0' });
    const again = await send('/api/openapi.json', { 'if-none-match': String(document.headers.etag) });
    expect(again.status).toBe(304);
  });
});
