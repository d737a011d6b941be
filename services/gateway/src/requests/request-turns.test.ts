import { expect, it } from 'vitest';
import { maxWaiting, RequestTurns } from './request-turns.ts';

it('runs 64 requests of a socket at the same time, the others in order after them, and refuses those that are too many', async () => {
  let idle = 0;
  const turns = new RequestTurns(() => {
    idle += 1;
  });
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const ask = (index: number) =>
    turns.take(() => {
      begun.push(index);
      return new Promise((resolve) => void ends.push(resolve));
    });
  const taken = Array.from({ length: 2_000 }, (_, index) => ask(index)).filter(Boolean);
  expect([begun.length, taken.length]).toEqual([64, 64 + maxWaiting]);
  for (let end = ends.shift(); end; end = ends.shift()) {
    end();
    await Promise.resolve();
    await Promise.resolve();
  }
  expect(begun).toEqual(Array.from({ length: 64 + maxWaiting }, (_, index) => index));
  expect(idle).toBe(1);
  expect(ask(5_000)).toBe(true);
  expect(begun.at(-1)).toBe(5_000);
});

it('lets one that overtakes begin before those that wait, and no more of the others for it', async () => {
  const turns = new RequestTurns(() => {});
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const ask = (name: string, overtakes = false) =>
    turns.take(() => {
      begun.push(name);
      return new Promise((resolve) => void ends.push(resolve));
    }, overtakes);
  for (let count = 0; count < 65; count += 1) ask('slow');
  ask('stop', true);
  expect(begun).toEqual([...Array.from({ length: 64 }, () => 'slow'), 'stop']);
  ends.pop()?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toHaveLength(65);
  ends.pop()?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toHaveLength(66);
});
