import { AppError } from '@nexus/common/errors/app-error';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { collect, failureOf, hello } from './collect.ts';
import { compress } from './compress.ts';
import { openWireServer, type WireServer } from './open-wire-server.ts';
import { endOf, type WireProtocol } from './wire-protocol.ts';

const never = new AbortController().signal;

/** The tests of the connection that every provider must pass. */
export function describeConnection(protocol: WireProtocol): void {
  const { name, create, baseUrlVariable, key, contentType, delta } = protocol;
  const headers = { 'content-type': contentType };
  const good = { headers, pieces: [delta('a'), endOf(protocol)] };

  describe(`${name}'s connection`, () => {
    let server: WireServer;
    let other: WireServer;
    beforeAll(async () => {
      server = await openWireServer();
      other = await openWireServer();
    });
    afterEach(() => void vi.unstubAllEnvs());
    afterAll(async () => {
      await server.close();
      await other.close();
    });
    const ask = (baseUrl = server.url, signal = never) =>
      collect((part) => create(baseUrl).stream(hello, part, signal));
    const failure = (baseUrl = server.url, signal = never) =>
      failureOf((part) => create(baseUrl).stream(hello, part, signal));
    const keyOf = (of: WireServer) => (key ? of.calls.at(-1)?.headers[key.header] : undefined);

    it.each([307, 308])('follows a %i with method, body and key', async (status) => {
      server.reply({ status, headers: { location: '/moved?x=1' } }, good);
      expect(await ask()).toMatchObject({ text: 'a' });
      const [first, second] = server.calls.slice(-2);
      expect(second).toMatchObject({ method: 'POST', path: '/moved?x=1', body: first?.body });
      expect(first?.body).not.toEqual({});
      expect(keyOf(server)).toBe(key?.value);
    });

    it('does not send its key to another origin after a redirect', async () => {
      server.reply({ status: 307, headers: { location: `${other.url}/moved` } });
      other.reply(good);
      expect(await ask()).toMatchObject({ text: 'a' });
      expect(other.calls.at(-1)).toMatchObject({ method: 'POST', path: '/moved', body: server.calls.at(-1)?.body });
      expect(keyOf(other)).toBeUndefined();
      expect(JSON.stringify(other.calls.at(-1)?.headers)).not.toContain(key?.value ?? 'no key');
    });

    it('reports the redirect if another origin asks for a key', async () => {
      server.reply({ status: 308, headers: { location: `${other.url}/moved` } });
      other.reply({ status: 401, pieces: ['{"error":{"message":"who are you?"}}'] });
      expect(await failure()).toMatchObject({
        code: 'provider_key_rejected',
        message: expect.stringMatching(new RegExp(`${new URL(other.url).host}.*${baseUrlVariable}`)),
      });
    });

    it.each([
      [301, { location: 'https://there.example/v1?token=secret' }],
      [302, { location: '/elsewhere' }],
      [303, { location: '/elsewhere' }],
      [304, {}],
      [307, {}],
      [308, { location: 'ftp://there.example/' }],
      [308, { location: 'http://' }],
    ])('does not follow a %i to %o, and reports it', async (status, location) => {
      const before = server.calls.length;
      server.reply({ status, headers: location as Record<string, string> });
      const error = await failure();
      expect(error).toMatchObject({
        code: 'provider_request_rejected',
        message: expect.stringMatching(new RegExp(`${status}.*redirect.*${baseUrlVariable}`)),
      });
      expect((error as Error).message).not.toContain('secret');
      expect(server.calls.length).toBe(before + 1);
    });

    it('does not follow redirects without an end', async () => {
      const before = server.calls.length;
      server.reply({ status: 307, headers: { location: '/again' } });
      expect(await failure()).toMatchObject({ code: 'provider_request_rejected' });
      expect(server.calls.length - before).toBeLessThan(10);
    });

    it('can be aborted also after a redirect', async () => {
      const before = server.calls.length;
      const controller = new AbortController();
      server.reply({ status: 307, headers: { location: '/silent' } }, { silent: true });
      const failed = failure(server.url, controller.signal);
      await vi.waitFor(() => expect(server.calls.length).toBe(before + 2));
      const reason = new AppError('cancelled');
      const abortedAt = performance.now();
      controller.abort(reason);
      expect(await failed).toBe(reason);
      await server.calls.at(-1)?.closed;
      expect(performance.now() - abortedAt).toBeLessThan(1_000);
    });

    it.each(['gzip', 'br', 'deflate'] as const)('reads an answer in %s while it comes', async (encoding) => {
      const compressed = await compress(encoding, good.pieces);
      server.reply({ headers: { ...headers, 'content-encoding': encoding }, pieces: compressed });
      expect(await ask()).toMatchObject({ text: 'a', finish: { reason: 'stop' } });
      server.reply({
        headers: { ...headers, 'content-encoding': encoding },
        pieces: compressed.slice(0, 1),
        after: 'hang',
      });
      const controller = new AbortController();
      const first = Promise.withResolvers<string>();
      const failed = failureOf(() =>
        create(server.url).stream(hello, ({ text }) => first.resolve(text), controller.signal),
      );
      expect(await first.promise).toBe('a');
      controller.abort(new AppError('cancelled'));
      expect(await failed).toMatchObject({ code: 'cancelled' });
      await server.calls.at(-1)?.closed;
    });

    it('reads an error in gzip', async () => {
      const pieces = await compress('gzip', ['{"error":{"message":"slow down, please"}}']);
      server.reply({ status: 429, headers: { 'content-encoding': 'gzip' }, pieces });
      expect(await failure()).toMatchObject({
        code: 'provider_rate_limited',
        message: expect.stringContaining('slow down, please'),
      });
    });

    it('never treats a compressed answer that was cut as complete', async () => {
      const [first = new Uint8Array()] = await compress('gzip', [delta('a') + endOf(protocol).slice(0, -12)]);
      server.reply({ headers: { ...headers, 'content-encoding': 'gzip' }, pieces: [first] });
      expect(await failure()).toMatchObject({ code: 'stream_interrupted' });
    });

    it('goes through the proxy of the environment if Node is set to', async () => {
      vi.stubEnv('NODE_USE_ENV_PROXY', '1');
      for (const variable of ['HTTP_PROXY', 'http_proxy']) vi.stubEnv(variable, other.url);
      for (const variable of ['NO_PROXY', 'no_proxy']) vi.stubEnv(variable, 'localhost');
      other.reply(good);
      expect(await ask('http://model.example/base')).toMatchObject({ text: 'a' });
      expect(other.calls.at(-1)?.path).toMatch(/^http:\/\/model\.example\/base/);
      const before = other.calls.length;
      server.reply(good);
      expect(await ask(server.url.replace('127.0.0.1', 'localhost'))).toMatchObject({ text: 'a' });
      expect(other.calls.length).toBe(before);
      vi.stubEnv('NODE_USE_ENV_PROXY', '');
      expect(await failure('http://model.invalid')).toMatchObject({ code: 'provider_unreachable' });
      expect(other.calls.length).toBe(before);
    });

    it('reports that a server does not use TLS', async () => {
      const error = await failure(server.url.replace('http:', 'https:'));
      expect(error).toMatchObject({
        code: 'provider_unreachable',
        message: expect.stringMatching(/TLS.*http:\/\//),
      });
    });
  });
}
