import { expect, it } from 'vitest';
import { readBenchOptions } from './read-options.ts';

const known = ['1', '16', 'recovery'];

it('runs everything by default', () => {
  expect(readBenchOptions([], known)).toMatchObject({ phases: null, scale: 1 });
});

it('runs less of everything with --quick, and only the phases that are named', () => {
  const full = readBenchOptions([], known);
  const quick = readBenchOptions(['--quick', '--phases', '1, recovery'], known);
  expect(quick.phases).toEqual(['1', 'recovery']);
  expect(quick.rounds).toBeLessThan(full.rounds);
  expect(quick.scale).toBeLessThan(1);
  expect(readBenchOptions(['--quick', '--rounds', '7'], known).rounds).toBe(7);
});

it('refuses what it does not know', () => {
  expect(() => readBenchOptions(['--phases', '17'], known)).toThrow('no 17');
  expect(() => readBenchOptions(['--rounds', 'many'], known)).toThrow('--rounds');
  expect(() => readBenchOptions(['--slow'], known)).toThrow('usage');
});
