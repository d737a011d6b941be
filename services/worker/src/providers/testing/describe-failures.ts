import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf, hello } from './collect.ts';
import { openWireServer, type WireServer } from './open-wire-server.ts';
import type { WireProtocol } from './wire-protocol.ts';

const json = (value: unknown) => JSON.stringify(value);
const page = '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>secret</body></html>';

/** The tests of error messages that every provider must pass. */
export function describeFailures({ name, create, key, baseUrlVariable }: WireProtocol): void {
  describe(`${name}'s failure`, () => {
    let server: WireServer;
    beforeAll(async () => {
      server = await openWireServer();
    });
    afterAll(() => server.close());
    const fail = (status: number, body: string, headers: Record<string, string> = {}) => {
      server.reply({ status, headers: { 'content-type': 'application/json', ...headers }, pieces: [body] });
      const signal = new AbortController().signal;
      return failureOf((onPart) => create(server.url).stream(hello, onPart, signal)) as Promise<
        Error & { code: string }
      >;
    };

    it.each([
      [500, 'provider_unavailable'],
      [502, 'provider_unavailable'],
      [529, 'provider_unavailable'],
      [408, 'provider_unavailable'],
      [409, 'provider_unavailable'],
      [404, 'provider_model_not_found'],
      [400, 'provider_request_rejected'],
      [422, 'provider_request_rejected'],
      [401, 'provider_key_rejected'],
      [403, 'provider_key_rejected'],
      [402, 'provider_quota_exceeded'],
      [429, 'provider_rate_limited'],
    ])('of status %i is %s, and names the provider', async (status, code) => {
      expect(await fail(status, json({ error: { message: 'no' } }))).toMatchObject({
        code,
        message: expect.stringContaining(name),
      });
    });

    it.each([
      ['an error object', 400, json({ error: { message: 'some words' } })],
      ['an error text', 400, json({ error: 'some words' })],
      ['a detail', 422, json({ detail: 'some words' })],
      ['a list of fields', 422, json({ detail: [{ loc: ['body', 'top_k'], msg: 'some words', input: 'secret' }] })],
      ['a list of fields as message', 422, json({ message: { detail: [{ loc: ['body'], msg: 'some words' }] } })],
      ['a message', 400, json({ message: 'some words', type: 'invalid' })],
      ['a list of errors', 400, json([{ error: { message: 'some words' } }])],
      ['errors', 400, json({ success: false, errors: [{ code: 7003, message: 'some words' }] })],
      ['an error inside of an error', 400, json({ error: { message: 'Error', metadata: { raw: 'some words' } } })],
      ['an error as text', 400, json({ error: { message: json({ error: { message: 'some words' } }) } })],
      ['plain text', 400, 'some words'],
    ])('shows the words of %s', async (_what, status, body) => {
      const error = await fail(status, body);
      expect(error).toMatchObject({
        code: 'provider_request_rejected',
        message: expect.stringContaining('some words'),
      });
      expect(error.message).not.toContain('secret');
    });

    it('that is a page shows the title of the page', async () => {
      const error = await fail(502, page, { 'content-type': 'text/html' });
      expect(error).toMatchObject({ code: 'provider_unavailable', message: expect.stringContaining('Bad Gateway') });
      expect(error.message).not.toMatch(/secret|</);
    });

    it('without a message shows its status', async () => {
      expect(await fail(503, '')).toMatchObject({
        code: 'provider_unavailable',
        message: expect.stringContaining('503'),
      });
    });

    it('shows at most 300 characters', async () => {
      expect((await fail(400, json({ error: { message: 'word '.repeat(50_000) } }))).message.length).toBeLessThan(400);
    });

    it('shows no key, not even of another vendor', async () => {
      const keys = ['sk-ant-api03-abcdefgh', 'gsk_abcdefgh12345678', 'xai-abcdefgh12345678', 'AIzaSyA1234567890abcdef'];
      const mine = key ? [key.value.replace(/^Bearer /, '')] : [];
      const said = [...keys, ...mine, 'Bearer abcdefgh12345678ijklm'].join(', ');
      const { message } = await fail(400, json({ error: { message: `no: ${said}` } }));
      expect(message).toContain('no: [key]');
      for (const one of [...keys, ...mine, 'abcdefgh12345678ijklm']) expect(message).not.toContain(one);
    });

    it.each([
      [429, '7', 7_000, 'provider_rate_limited'],
      [503, '2', 2_000, 'provider_unavailable'],
      [429, 'nonsense', undefined, 'provider_rate_limited'],
    ])('of %i with Retry-After: %s has the wait', async (status, seconds, retryAfterMs, code) => {
      expect(await fail(status, '{}', { 'retry-after': seconds })).toMatchObject({ code, retryAfterMs });
    });

    it.each([
      ['a page', page, 404],
      ['nothing', '', 404],
      ['the words of a router', '404 page not found', 404],
      ['the words of FastAPI', json({ detail: 'Not Found' }), 404],
      ['another method', json({ detail: 'Method Not Allowed' }), 405],
    ])('is a wrong address and not an unknown model if the server sends %s', async (_what, body, status) => {
      expect(await fail(status, body)).toMatchObject({
        code: 'provider_request_rejected',
        message: expect.stringContaining(baseUrlVariable),
      });
    });

    it.each([
      ['a country', json({ error: { message: 'Country, region, or territory not supported' } })],
      ['a place', json({ error: { message: 'User location is not supported for the API use.' } })],
      ['a firewall', page],
    ])('of status 403 about %s does not blame the key', async (_what, body) => {
      const error = await fail(403, body);
      expect(error.code).toBe('provider_request_rejected');
      expect(error.message).not.toMatch(/credential|key/i);
    });

    it('is read only as far as needed', async () => {
      server.reply({ status: 500, pieces: ['x'.repeat(100_000)], after: 'hang' });
      const signal = new AbortController().signal;
      const begunAt = performance.now();
      expect(await failureOf((onPart) => create(server.url).stream(hello, onPart, signal))).toMatchObject({
        code: 'provider_unavailable',
      });
      await server.calls.at(-1)?.closed;
      expect(performance.now() - begunAt).toBeLessThan(1_000);
    });
  });
}
