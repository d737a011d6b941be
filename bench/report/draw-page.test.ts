import { expect, it } from 'vitest';
import { drawPage } from './draw-page.ts';

const figure = {
  name: 'first chunk <p50>',
  measured: 1.2,
  unit: '× plain',
  bound: 'most' as const,
  limit: 1,
  detail: 'a & b',
};

it('says of each figure whether it is met, and escapes what it is given', () => {
  const page = drawPage({
    heading: 'Measured',
    notes: [],
    figures: [figure, { ...figure, measured: 0.9 }],
    panels: [],
  });
  expect(page).toContain('first chunk &lt;p50&gt;');
  expect(page).toContain('a &amp; b');
  expect(page.match(/>not met</g)).toHaveLength(1);
  expect(page.match(/>met</g)).toHaveLength(1);
});

it('draws bars in proportion, from zero', () => {
  const panel = {
    title: 'throughput',
    unit: '/s',
    groups: [
      {
        label: 'all',
        bars: [
          { series: 'nexus', value: 100 },
          { series: 'plain', value: 50 },
        ],
      },
    ],
  };
  const page = drawPage({ heading: '', notes: [], figures: [], panels: [panel] });
  const heights = [...page.matchAll(/height="([\d.]+)" fill="#(?:0072b2|e69f00)"\/><text[^>]*>(?:100|50)</g)].map(
    ([, height]) => Number(height),
  );
  expect(heights).toHaveLength(2);
  expect((heights[0] ?? 0) / (heights[1] ?? 1)).toBeCloseTo(2, 1);
});
