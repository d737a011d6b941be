import { expect, it } from 'vitest';
import { createRandom, poissonArrivals } from './random.ts';

it('gives the same arrivals for the same seed, others for another', () => {
  const arrivals = (seed: number) => poissonArrivals(30, 20, createRandom(seed));
  expect(arrivals(1)).toEqual(arrivals(1));
  expect(arrivals(1)).not.toEqual(arrivals(2));
});

it('keeps to the rate in the long run, with gaps as uneven as those of a Poisson process', () => {
  const arrivals = poissonArrivals(100, 20_000, createRandom(7));
  const gaps = arrivals.map((at, index) => at - (arrivals[index - 1] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  expect(mean).toBeGreaterThan(9.7);
  expect(mean).toBeLessThan(10.3);
  expect(deviation / mean).toBeGreaterThan(0.95);
  expect(deviation / mean).toBeLessThan(1.05);
});
