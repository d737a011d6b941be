import type { Readable } from 'node:stream';
import { AppError } from '@nexus/common/errors/app-error';
import { cutShort } from './interrupted.ts';
import { parseJson } from './parse-json.ts';
import { readBody } from './read-body.ts';

/** The longest line, in characters. */
const maxLine = 64 * 1_048_576;
const byteOrderMark = 0xfeff;

/**
 * Reads a body of one JSON value a line as it comes, however its bytes are cut. Resolves where the body ends; rejects as `readBody` does.
 * Empty lines are skipped.
 */
export async function readJsonLines(body: Readable, title: string, onLine: (value: unknown) => void): Promise<void> {
  /** The beginning of a line whose end has not come, in pieces: joined once, so that a long line costs its length and no more. */
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
