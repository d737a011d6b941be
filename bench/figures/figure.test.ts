import { expect, it } from 'vitest';
import { atMost, isMet, shareOfTarget } from './figure.ts';
import { toText, versus } from './versus.ts';

const perSecond = { ...versus('per second', '/s', 850, 1_000, 0.8), bound: 'least' as const };

it('compares the system with the other as a multiple of it', () => {
  const figure = versus('first chunk', 'ms', 12, 10, 1);
  expect(figure.measured).toBeCloseTo(1.2);
  expect(isMet(figure)).toBe(false);
  expect(isMet(versus('first chunk', 'ms', 10, 10, 1))).toBe(true);
});

it('wants more where more is better', () => {
  expect(isMet(perSecond)).toBe(true);
  expect(isMet({ ...perSecond, measured: 0.79 })).toBe(false);
});

it('is not met if nothing was measured', () => {
  expect(isMet(versus('first chunk', 'ms', Number.NaN, 10, 1))).toBe(false);
  expect(isMet({ ...perSecond, measured: Number.NaN })).toBe(false);
});

it('uses up at most its whole target if it is met, whichever way is better', () => {
  expect(shareOfTarget(atMost('age', 0.5, 2, 'ms', ''))).toBe(0.25);
  expect(shareOfTarget({ ...perSecond, measured: 1.6 })).toBe(0.5);
  expect(shareOfTarget(atMost('statements per chunk', 0, 0, '', ''))).toBe(0);
  expect(shareOfTarget(atMost('statements per chunk', 0.1, 0, '', ''))).toBe(Number.POSITIVE_INFINITY);
});

it('shows three significant digits', () => {
  expect(toText(0.012345)).toBe('0.0123');
  expect(toText(23_456)).toBe('23500');
  expect(toText(Number.NaN)).toBe('–');
});
