import { expect, it } from 'vitest';
import { median, percentile } from './percentile.ts';

it('takes the nearest rank, never a value that was not measured', () => {
  const values = [40, 10, 30, 20];
  expect(percentile(values, 0.5)).toBe(20);
  expect(percentile(values, 0.51)).toBe(30);
  expect(percentile(values, 0.99)).toBe(40);
  expect(percentile(values, 0)).toBe(10);
});

it('finds p99 of 200 values at the second from the top', () => {
  const values = Array.from({ length: 200 }, (_, index) => index + 1);
  expect(percentile(values, 0.99)).toBe(198);
});

it('takes the mean of the two middle values of an even number', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([9, 1, 5, 7])).toBe(6);
});

it('is NaN of no values', () => {
  expect(percentile([], 0.5)).toBeNaN();
  expect(median([])).toBeNaN();
});
