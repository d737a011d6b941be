import { expect, it } from 'vitest';
import { isMet } from './figure.ts';
import { toText, versus } from './versus.ts';

it('holds the system against the other as a multiple of it', () => {
  const figure = versus('first chunk', 'ms', 12, 10, 1);
  expect(figure.measured).toBeCloseTo(1.2);
  expect(isMet(figure)).toBe(false);
  expect(isMet(versus('first chunk', 'ms', 10, 10, 1))).toBe(true);
});

it('wants more where more is better', () => {
  const figure = { ...versus('per second', '/s', 850, 1_000, 0.8), bound: 'least' as const };
  expect(isMet(figure)).toBe(true);
  expect(isMet({ ...figure, measured: 0.79 })).toBe(false);
});

it('is not met by nothing measured', () => {
  expect(isMet(versus('first chunk', 'ms', Number.NaN, 10, 1))).toBe(false);
  expect(isMet({ ...versus('per second', '/s', Number.NaN, 10, 1), bound: 'least' })).toBe(false);
});

it('shows three figures that count', () => {
  expect(toText(0.012345)).toBe('0.0123');
  expect(toText(23_456)).toBe('23500');
  expect(toText(Number.NaN)).toBe('–');
});
