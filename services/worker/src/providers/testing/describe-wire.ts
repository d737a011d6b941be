import { readFileSync } from 'node:fs';
import { AppError } from '@nexus/common/errors/app-error';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Provider } from '../provider.ts';
import { type Answer, collect, failureOf, hello } from './collect.ts';
import { describeConnection } from './describe-connection.ts';
import { describeFailures } from './describe-failures.ts';
import { describeShapes } from './describe-shapes.ts';
import { oneByteSlices, openWireServer, type WireServer } from './open-wire-server.ts';
import { endOf, type WireProtocol } from './wire-protocol.ts';

const never = new AbortController().signal;
const answer = 'Grüße, 🦙 world\n';

/** The tests that every provider must pass. */
export function describeWire(protocol: WireProtocol): void {
  const { name, create, fixture, contentType, delta, errorInStream } = protocol;
  const end = endOf(protocol);
  describeConnection(protocol);
  describeFailures(protocol);
  describeShapes(protocol);
  describe(`${name} on the wire`, () => {
    let server: WireServer;
    let provider: Provider;
    const written: unknown[] = [];
    const bytes = readFileSync(fixture, 'utf8');
    const headers = { 'content-type': contentType };
    beforeAll(async () => {
      server = await openWireServer();
      provider = create(server.url);
      for (const method of ['log', 'warn', 'error'] as const)
        vi.spyOn(console, method).mockImplementation((...args) => void written.push(args));
    });
    afterAll(async () => {
      vi.restoreAllMocks();
      await server.close();
      expect(written).toEqual([]);
    });
    const ask =
      (signal = never): Answer =>
      (onPart) =>
        provider.stream(hello, onPart, signal);

    it('gives text, finish and usage of a whole answer', async () => {
      server.reply({ headers, pieces: [bytes] });
      const { text, finish } = await collect(ask());
      expect(text).toBe(answer);
      expect(finish).toMatchObject({ reason: 'stop', usage: { inputTokens: 21, outputTokens: 9, source: 'provider' } });
    });

    it('reads the same text for any split of the bytes, also within a character', async () => {
      server.reply({ headers, pieces: oneByteSlices(bytes) });
      expect((await collect(ask())).text).toBe(answer);
    });

    it('reads 5 MB in one chunk', async () => {
      const long = 'x'.repeat(5_000_000);
      server.reply({ headers, pieces: [delta(long) + end] });
      expect((await collect(ask())).text).toHaveLength(long.length);
    });

    it('leaves the usage to an estimate if the provider sends none', async () => {
      server.reply({ headers, pieces: [delta('a'), end] });
      expect((await collect(ask())).finish).toMatchObject({ reason: 'stop', usage: null });
    });

    it.each([
      ['ends early', { pieces: [delta('a'), delta('b')] }],
      ['is reset', { pieces: [delta('a')], after: 'reset' as const }],
      ['ends in the middle of a line', { pieces: [delta('a'), delta('bcd').slice(0, -8)] }],
      ['is empty', { pieces: [] }],
    ])('never treats an answer as complete that %s', async (_how, reply) => {
      server.reply({ headers, ...reply });
      expect(await failureOf(ask())).toMatchObject({
        code: expect.stringMatching(/^(stream_interrupted|provider_unreachable|provider_protocol_error)$/),
      });
    });

    it('reports an error inside a stream that began with status 200', async () => {
      server.reply({ headers, pieces: [delta('a'), errorInStream] });
      expect(await failureOf(ask())).toMatchObject({
        code: 'provider_unavailable',
        message: expect.stringContaining('overloaded'),
      });
    });

    it('treats garbage as a protocol error, and shows none of it', async () => {
      server.reply({ headers, pieces: [delta('a'), delta('secret words').replaceAll('"', "'")] });
      const error = await failureOf(ask());
      expect(error).toMatchObject({ code: 'provider_protocol_error' });
      expect(JSON.stringify([(error as Error).message, String((error as Error).cause)])).not.toContain('secret words');
    });

    it.each([
      ['before the headers', { silent: true }, false],
      ['mid-stream', { pieces: [delta('a')], after: 'hang' as const }, true],
    ])('aborted %s closes the socket within a second and throws the reason', async (_when, reply, begins) => {
      server.reply({ headers, ...reply });
      const controller = new AbortController();
      const reason = new AppError('cancelled');
      const before = server.calls.length;
      const failure = failureOf(() =>
        ask(controller.signal)(() => {
          if (begins) queueMicrotask(() => controller.abort(reason));
        }),
      );
      await vi.waitFor(() => expect(server.calls.length).toBe(before + 1));
      const abortedAt = performance.now();
      if (!begins) controller.abort(reason);
      expect(await failure).toBe(reason);
      await server.calls.at(-1)?.closed;
      expect(performance.now() - abortedAt).toBeLessThan(1_000);
    });

    it.each([
      ['an error inside the stream', errorInStream],
      ['garbage', delta('secret words').replaceAll('"', "'")],
    ])('closes the socket after %s, although the provider does not', async (_what, piece) => {
      server.reply({ headers, pieces: [delta('a'), piece], after: 'hang' });
      await failureOf(ask());
      await server.calls.at(-1)?.closed;
    });

    it('sends no request if the signal is aborted already', async () => {
      const before = server.calls.length;
      const reason = new AppError('deadline_exceeded');
      expect(await failureOf(ask(AbortSignal.abort(reason)))).toBe(reason);
      expect(server.calls.length).toBe(before);
    });

    it('names the host that it cannot reach', async () => {
      const closed = await openWireServer();
      await closed.close();
      const error = await failureOf((onPart) => create(closed.url).stream(hello, onPart, never));
      expect(error).toMatchObject({
        code: 'provider_unreachable',
        message: expect.stringContaining(new URL(closed.url).host),
      });
    });
  });
}
