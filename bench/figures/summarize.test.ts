import { expect, it } from 'vitest';
import type { Measurement } from '../phases/measure-load.ts';
import { summarize } from './summarize.ts';

const round = (firstChunkMs: number[], seconds: number): Measurement => ({
  answers: firstChunkMs.length,
  seconds,
  firstChunkMs,
  ageMs: [1],
  acceptedMs: [2],
  endMs: [3],
  cpuMs: { api: 10, worker: 20, postgres: 30, redis: 40 },
  memoryBytes: { api: 1, worker: 2e6 },
});

it('takes the median over the rounds, so that one bad round does not count', () => {
  const { firstChunkP50, perSecond } = summarize([round([1, 2], 1), round([900, 900], 10), round([3, 4], 2)]);
  expect(firstChunkP50).toBe(3);
  expect(perSecond).toBe(1);
});

it('counts the CPU of servers in the whole, but not as our own', () => {
  const { cpuOwn, cpuTotal, cpuByRole, memoryOwn, memoryMbByRole } = summarize([round([1, 2], 1)]);
  expect(cpuOwn).toBe(15);
  expect(cpuTotal).toBe(50);
  expect(cpuByRole.postgres).toBe(15);
  expect(memoryOwn).toBe(2_000_001);
  expect(memoryMbByRole.worker).toBe(2);
});
