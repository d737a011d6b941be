import { expect, it } from 'vitest';
import { mostWaiting, RequestTurns } from './request-turns.ts';

it('runs 64 requests of a socket at the same time, the others in order after them, and refuses those that are too many', async () => {
  const turns = new RequestTurns();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const ask = (index: number) =>
    turns.take(() => {
      begun.push(index);
      return new Promise((resolve) => void ends.push(resolve));
    });
  const taken = Array.from({ length: 2_000 }, (_, index) => ask(index)).filter(Boolean);
  expect([begun.length, taken.length]).toEqual([64, 64 + mostWaiting]);
  for (let end = ends.shift(); end; end = ends.shift()) {
    end();
    await Promise.resolve();
    await Promise.resolve();
  }
  expect(begun).toEqual(Array.from({ length: 64 + mostWaiting }, (_, index) => index));
  expect(ask(5_000)).toBe(true);
  expect(begun.at(-1)).toBe(5_000);
});
