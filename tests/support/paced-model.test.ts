import { expect, it } from 'vitest';
import { parsePace } from './paced-model.ts';

it('reads the pace from the name, whatever follows', () => {
  expect(parsePace('t50-n64-d20')).toEqual({ firstMs: 50, chunks: 64, gapMs: 20 });
  expect(parsePace('t0-n1-d0-other')).toEqual({ firstMs: 0, chunks: 1, gapMs: 0 });
});

it('has a pace for any other name', () => {
  expect(parsePace('gpt-4').chunks).toBeGreaterThan(0);
});
