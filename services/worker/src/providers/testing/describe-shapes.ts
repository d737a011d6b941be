import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, collect, failureOf, hello } from './collect.ts';
import { oneByteSlices, openWireServer, type WireServer } from './open-wire-server.ts';
import { endOf, type WireProtocol } from './wire-protocol.ts';

type Shape = [what: string, reshape: (stream: string) => string];

/** What the standard of server-sent events allows, and what servers send in addition. */
const eventShapes: Shape[] = [
  ['no space after the colon', (stream) => stream.replaceAll('data: ', 'data:')],
  ['a comment before each event', (stream) => stream.replaceAll('data: ', ': keepalive\ndata: ')],
  ['comments as events of their own', (stream) => stream.replaceAll('data: ', ': OPENROUTER PROCESSING\n\ndata: ')],
  ['names, ids and retries', (stream) => stream.replaceAll('data: ', 'event: message\nid: 7\nretry: 10\nx: y\ndata: ')],
  ['empty events for heartbeats', (stream) => stream.replaceAll('data: ', 'data:\n\ndata\n\ndata:  \n\ndata: ')],
  ['CRLF', (stream) => stream.replaceAll('\n', '\r\n')],
  ['CR alone', (stream) => stream.replaceAll('\n', '\r')],
  ['a byte-order mark', (stream) => `\uFEFF${stream}`],
  ['no blank line at its end', (stream) => stream.trimEnd()],
  ['no blank lines between events', (stream) => stream.replaceAll('\n\n', '\n')],
];

const lineShapes: Shape[] = [
  ['empty lines', (stream) => `\n${stream.replaceAll('\n', '\n\n \n')}`],
  ['CRLF', (stream) => stream.replaceAll('\n', '\r\n')],
  ['a byte-order mark', (stream) => `\uFEFF${stream}`],
  ['no line end at its end', (stream) => stream.trimEnd()],
];

/** The tests of the stream's format that every provider must pass. */
export function describeShapes(protocol: WireProtocol): void {
  const { name, create, contentType, delta, finish, endMark, reasons, wrongTypes } = protocol;
  const headers = { 'content-type': contentType };
  const end = endOf(protocol);

  describe(`${name}'s stream`, () => {
    let server: WireServer;
    beforeAll(async () => {
      server = await openWireServer();
    });
    afterAll(() => server.close());
    const ask: Answer = (onPart) => create(server.url).stream(hello, onPart, new AbortController().signal);
    const finishOf = async (...pieces: string[]) => {
      server.reply({ headers, pieces });
      return (await collect(ask)).finish;
    };

    it.each(contentType === 'text/event-stream' ? eventShapes : lineShapes)('may have %s', async (_what, reshape) => {
      const stream = reshape(delta('ä') + delta('b') + finish(reasons.stop, { input: 21, output: 9 }) + endMark);
      for (const pieces of [[stream], oneByteSlices(stream)]) {
        server.reply({ headers, pieces });
        expect(await collect(ask)).toMatchObject({
          text: 'äb',
          finish: { reason: 'stop', usage: { inputTokens: 21, outputTokens: 9 } },
        });
      }
    });

    it.each(wrongTypes)('with %s of a wrong type is a protocol error, and shows none of it', async (field, piece) => {
      server.reply({ headers, pieces: [delta('a'), piece, end] });
      const error = (await failureOf(ask)) as Error;
      expect(error).toMatchObject({ code: 'provider_protocol_error', message: expect.stringContaining(field) });
      expect(error.message + String(error.cause)).not.toContain('secret');
    });

    it.each([
      ['nothing', {}],
      ['null', { input: null, output: null }],
      ['only the input', { input: 21 }],
      ['only the output', { output: 9 }],
      ['no input', { input: 0, output: 9 }],
      ['a negative number', { input: 21, output: -1 }],
      ['half a token', { input: 21.5, output: 9 }],
      ['more than a model can', { input: 21, output: 1e15 }],
      ['text', { input: '21', output: 'nine' }],
      ['a list', { input: [21], output: 9 }],
    ])('that counts %s leaves the usage to an estimate', async (_what, counts) => {
      expect(await finishOf(delta('a'), finish(reasons.stop, counts) + endMark)).toMatchObject({
        reason: 'stop',
        usage: null,
      });
    });

    it.each(reasons.length)('that ends with %s was too long', async (reason) => {
      expect(await finishOf(delta('a'), finish(reason) + endMark)).toMatchObject({
        reason: 'length',
        rawReason: reason,
      });
    });

    it.each(reasons.failure)('that ends with %s was broken off', async (reason) => {
      server.reply({ headers, pieces: [delta('a'), finish(reason) + endMark] });
      expect(await failureOf(ask)).toMatchObject({
        code: 'stream_interrupted',
        message: expect.stringContaining(reason),
      });
    });

    it('that ends with an unknown reason is complete if its end mark follows', async () => {
      expect(await finishOf(delta('a'), finish('something_new') + endMark)).toMatchObject({
        reason: 'other',
        rawReason: 'something_new',
      });
    });

    it.runIf(endMark !== '')('that ends with an unknown reason and no end mark was broken off', async () => {
      server.reply({ headers, pieces: [delta('a'), finish('something_new')] });
      expect(await failureOf(ask)).toMatchObject({ code: 'stream_interrupted' });
    });
  });
}
