import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { newId } from './new-id.ts';

it('is a UUID of version 7 with the time of its making', () => {
  const before = Date.now();
  const id = newId();
  expect(z.uuidv7().safeParse(id).success).toBe(true);
  const time = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThanOrEqual(Date.now());
});

it('is greater than the one before, however many one millisecond has, and when the clock goes back', () => {
  vi.useFakeTimers({ now: Date.now() + 60_000 });
  const ids = Array.from({ length: 10_000 }, newId);
  vi.setSystemTime(Date.now() - 30_000);
  ids.push(newId());
  vi.useRealTimers();
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});
