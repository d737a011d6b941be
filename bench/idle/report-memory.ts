import { setTimeout as sleep } from 'node:timers/promises';

export type Memory = { rssBytes: number; heapBytes: number };

/** What this process holds after everything that can be collected was; needs --expose-gc. */
export async function reportMemory(): Promise<Memory> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await sleep(50);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssBytes: rss, heapBytes: heapUsed + external };
}
