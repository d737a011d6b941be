import { afterEach, expect, it, vi } from 'vitest';
import { isoNow } from './iso-now.ts';

afterEach(() => void vi.useRealTimers());

it.each([0, 7, 999, 1_000, 1_767_323_045_678, 1_767_323_045_679, 1_767_323_046_000, 1_767_323_045_001])(
  'is what a Date says at %i',
  (now) => {
    vi.useFakeTimers({ now });
    expect(isoNow()).toBe(new Date(now).toISOString());
  },
);
