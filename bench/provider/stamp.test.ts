import { expect, it } from 'vitest';
import { monotonicMs } from '../processes/monotonic-ms.ts';
import { readStamps, stampNow } from './stamp.ts';

it('reads the time of each chunk from a text, also if several chunks were joined', () => {
  const before = monotonicMs();
  const text = stampNow() + stampNow();
  const after = monotonicMs();
  const stamps = readStamps(text);
  expect(stamps).toHaveLength(2);
  for (const stamp of stamps) {
    expect(stamp).toBeGreaterThanOrEqual(before - 0.001);
    expect(stamp).toBeLessThanOrEqual(after + 0.001);
  }
});

it('reads nothing from an empty text', () => {
  expect(readStamps('')).toEqual([]);
});
