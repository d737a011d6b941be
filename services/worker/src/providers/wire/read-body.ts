import { AsyncLocalStorage } from 'node:async_hooks';
import { finished, type Readable } from 'node:stream';
import { interrupted } from './interrupted.ts';

/** How long the connection may take to end after the answer has, so that it can be used again. */
const drainMs = 500;

export type BodyReading<Result> = {
  /** The provider's name in messages. */
  title: string;
  /** Gets the next piece of text, in whole characters. If it returns a value, the reading ends with it. */
  onText(text: string): Result | undefined;
  /** The body has ended well. */
  onEnd(): Result;
};

/**
 * Reads a body as text while it comes. Rejects with what broke the body, or with what a callback threw, and closes the connection then.
 */
export function readBody<Result>(body: Readable, { title, onText, onEnd }: BodyReading<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    let isOver = false;

    function fail(error: unknown): void {
      isOver = true;
      body.destroy();
      reject(error);
    }

    function settle(step: () => Result | undefined): void {
      try {
        const result = step();
        if (result === undefined) return;
        isOver = true;
        resolve(result);
      } catch (error) {
        fail(error);
      }
    }

    function take(text: string): void {
      if (isOver) return;
      settle(() => onText(text));
      if (isOver) drain(body);
    }

    body.setEncoding('utf8');
    // A reused connection calls back in the async context of the call that opened it, so log lines would get the wrong trace.
    body.on('data', AsyncLocalStorage.bind(take));
    finished(body, { writable: false }, (error) => {
      if (isOver) return;
      if (error) fail(interrupted(title, error));
      else settle(onEnd);
    });
  });
}

function drain(body: Readable): void {
  const timer = setTimeout(() => body.destroy(), drainMs).unref();
  body.once('close', () => clearTimeout(timer));
  body.resume();
}
