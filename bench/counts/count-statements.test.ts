import { expect, it } from 'vitest';
import { countOf, statementsOfWork } from './count-statements.ts';

it('leaves out statements that also run without any work, however often they run and however Postgres keeps their text', () => {
  const working = new Map([
    ['1', { query: 'INSERT', calls: 10 }],
    ['2', { query: 'UPDATE', calls: 20 }],
    ['3', { query: 'heartbeat $1', calls: 7 }],
  ]);
  const idle = new Map([['3', { query: "heartbeat '1 s'", calls: 6 }]]);
  expect(countOf(statementsOfWork(working, idle))).toBe(30);
});
