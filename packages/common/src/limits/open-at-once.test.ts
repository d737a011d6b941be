import { expect, it } from 'vitest';
import { createOpenAtOnce } from './open-at-once.ts';

it('gives each caller so many places, and takes each back once', () => {
  const places = createOpenAtOnce('key', 2);
  const [release] = [places.hold('a'), places.hold('a')];
  expect(() => places.hold('a')).toThrow('Each key may have 2');
  expect([places.hasRoom('a'), places.hasRoom('b')]).toEqual([false, true]);
  release();
  release();
  places.hold('a');
  expect(() => places.hold('a')).toThrow(expect.objectContaining({ code: 'too_many_streams' }));
});
