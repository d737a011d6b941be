import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readEvents } from './read-events.ts';

const bodyOf = (...pieces: string[]) => Readable.from(pieces.map((piece) => Buffer.from(piece)));

describe('readEvents', () => {
  async function read(body: Readable) {
    const events: [unknown, string | undefined][] = [];
    const onEvent = (value: unknown, name: string | undefined) => void events.push([value, name]);
    return { ...(await readEvents(body, { title: 'Some', onEvent, endMark: '[DONE]' })), events };
  }

  it('gives an event with its name, and reports whether the end mark came', async () => {
    expect(
      await read(bodyOf('event: error\ndata: {"a":\ndata: 1}\n\n', 'data: 2\n\ndata:[DONE]\n\ndata: 3\n\n')),
    ).toEqual({
      events: [
        [{ a: 1 }, 'error'],
        [2, undefined],
      ],
      isMarked: true,
      other: null,
    });
    expect(await read(bodyOf('data: 1\n\n'))).toMatchObject({ isMarked: false, other: null });
  });

  it.each(['data: 1\ndata: [DONE]\n\n', 'data: 1\n\ndata: [DONE] ', 'data: 1\n\ndata: [DONE]\r'])(
    'knows the end mark in %j',
    async (text) => {
      expect(await read(bodyOf(text))).toMatchObject({ events: [[1, undefined]], isMarked: true });
    },
  );

  it('gives the whole body if it is not an event stream', async () => {
    expect(await read(bodyOf('{\n"data": ', '1}'))).toMatchObject({ events: [], other: '{\n"data": 1}' });
    expect(await read(bodyOf(': keepalive\n\nretry: 10\n\n'))).toMatchObject({ events: [], other: null });
  });

  it.each([
    ['data: {"secret\n\n', 'provider_protocol_error'],
    ['data: {"secret', 'stream_interrupted'],
  ])('takes %j for what it is', async (text, code) => {
    const error = await read(bodyOf(text)).catch((cause: Error) => cause);
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain('secret');
  });

  it('closes the connection that goes on after its end mark', async () => {
    const body = new Readable({ read() {} });
    body.push('data: [DONE]\n\n');
    expect(await read(body)).toMatchObject({ isMarked: true });
    await new Promise((resolve) => body.once('close', resolve));
  });
});
