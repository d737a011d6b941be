import { expect, it } from 'vitest';
import { countOfWork } from './count-statements.ts';

it('leaves out statements that run without any work, however often', () => {
  const working = new Map([
    ['INSERT', 10],
    ['UPDATE', 20],
    ['heartbeat', 7],
  ]);
  expect(countOfWork(working, new Map([['heartbeat', 6]]))).toBe(30);
});
