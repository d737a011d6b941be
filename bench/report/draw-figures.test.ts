import { expect, it } from 'vitest';
import { atMost } from '../figures/figure.ts';
import { drawFigures } from './draw-figures.ts';

const figure = atMost('first chunk <p50>', 1.2, 1, '× plain', 'a & b');
const draw = (...measured: number[]) =>
  drawFigures(
    'Measured',
    '',
    measured.map((each) => ({ ...figure, measured: each })),
  );

it('says of each figure whether it is met, and escapes its texts', () => {
  const plot = draw(1.2, 0.9);
  expect(plot).toContain('first chunk &lt;p50&gt;');
  expect(plot).toContain('a &amp; b');
  expect(plot.match(/>not met</g)).toHaveLength(1);
  expect(plot.match(/>met</g)).toHaveLength(1);
});

it('draws bars in proportion, from zero, and cuts one that would leave its place', () => {
  const bars = [...draw(0.4, 0.8, 7, Number.NaN).matchAll(/width="([\d.]+)" height="16"/g)].map(([, w]) => Number(w));
  expect(bars).toHaveLength(4);
  const [short = 0, long = 0, cut = 0, none] = bars;
  expect(long / short).toBeCloseTo(2);
  expect(cut / short).toBeCloseTo(1.9 / 0.4);
  expect(none).toBe(0);
});
