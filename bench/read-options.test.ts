import { expect, it } from 'vitest';
import { readBenchOptions } from './read-options.ts';

const known = ['1', '16', 'idle'];

it('runs everything unless it is told otherwise', () => {
  expect(readBenchOptions([], known)).toMatchObject({ phases: null, scale: 1, seed: 1 });
});

it('runs less of everything when it is to be quick, and only what is named', () => {
  const full = readBenchOptions([], known);
  const quick = readBenchOptions(['--quick', '--phases', '1, idle'], known);
  expect(quick.phases).toEqual(['1', 'idle']);
  expect(quick.rounds).toBeLessThan(full.rounds);
  expect(quick.scale).toBeLessThan(1);
  expect(readBenchOptions(['--quick', '--rounds', '7'], known).rounds).toBe(7);
});

it('refuses what it does not know', () => {
  expect(() => readBenchOptions(['--phases', '17'], known)).toThrow('no 17');
  expect(() => readBenchOptions(['--rounds', 'many'], known)).toThrow('--rounds');
  expect(() => readBenchOptions(['--slow'], known)).toThrow('usage');
});
