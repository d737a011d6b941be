import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readJsonLines } from './read-json-lines.ts';

async function linesOf(...pieces: (string | Uint8Array)[]): Promise<unknown[]> {
  const lines: unknown[] = [];
  await readJsonLines(Readable.from(pieces.map((piece) => Buffer.from(piece))), 'Some', (line) => lines.push(line));
  return lines;
}

describe('readJsonLines', () => {
  it('joins a line that comes in many pieces, in a time that grows with its length alone', async () => {
    const pieces = Array.from({ length: 2_000 }, () => 'x'.repeat(10_000));
    const begunAt = performance.now();
    const lines = await linesOf('"', ...pieces, '"\n"b"');
    expect(lines.map((line) => String(line).length)).toEqual([20_000_000, 1]);
    expect(performance.now() - begunAt).toBeLessThan(2_000);
  });

  it.each([
    ['{"a":1}\n{"b', 'stream_interrupted'],
    ['{"a":1}\n<!DOCTYPE html>', 'provider_protocol_error'],
    ['<!DOCTYPE html>\n<p>secret', 'provider_protocol_error'],
    ["{'secret'}\n", 'provider_protocol_error'],
  ])('takes %j for what it is', async (text, code) => {
    const error = await linesOf(text).catch((cause: Error) => cause);
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^Some /) });
    expect(String(error)).not.toContain('secret');
  });
});
