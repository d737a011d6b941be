import type { Readable } from 'node:stream';
import { AppError } from '@nexus/common/errors/app-error';
import { cutShort } from './interrupted.ts';
import { parseJson } from './parse-json.ts';
import { readBody } from './read-body.ts';

/** The longest line, in characters. */
const maxLine = 64 * 1_048_576;
const byteOrderMark = 0xfeff;

/**
 * Reads a body with one JSON value in each line as it comes, for any split of its bytes. Resolves at the end of the body; rejects as `readBody`
 * does. Skips empty lines.
 */
export async function readJsonLines(body: Readable, title: string, onLine: (value: unknown) => void): Promise<void> {
  /** The pieces of a line whose end has not come. They are joined once, so that the time for a long line grows only with its length. */
  let begun: string[] = [];
  let begunLength = 0;

  function take(line: string, isAtEnd: boolean): void {
    const text = line.charCodeAt(0) === byteOrderMark ? line.slice(1) : line;
    if (text.trim() === '') return;
    const value = parseJson(text);
    if (value !== undefined) onLine(value);
    else if (isAtEnd && text.trimStart().startsWith('{')) throw cutShort(title, 'broke off in the middle of a line');
    else throw new AppError('provider_protocol_error', `${title} sent a line that is not JSON`);
  }

  function keep(piece: string): void {
    begun.push(piece);
    begunLength += piece.length;
    if (begunLength > maxLine)
      throw new AppError('provider_protocol_error', `${title} sent a line of more than 64 MiB`);
  }

  function takeBegun(rest: string, isAtEnd: boolean): void {
    const line = begun.join('') + rest;
    begun = [];
    begunLength = 0;
    take(line, isAtEnd);
  }

  await readBody<true>(body, {
    title,
    onText(text) {
      let start = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        takeBegun(text.slice(start, end), false);
        start = end + 1;
      }
      if (start < text.length) keep(text.slice(start));
      return undefined;
    },
    onEnd() {
      takeBegun('', true);
      return true;
    },
  });
}
