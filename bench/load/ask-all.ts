import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, poissonArrivals } from '../figures/random.ts';
import { monotonicMs } from '../processes/monotonic-ms.ts';
import type { Answer } from './answer.ts';
import type { Ask } from './target.ts';

export type Answers = { answers: Answer[]; seconds: number };

/** Closed loop: each client asks its next question when it has the answer to the one before, and not before that one is due. */
export async function askInTurn(asks: Ask[][], everyMs = 0): Promise<Answers> {
  const startedAt = monotonicMs();
  const answers = await Promise.all(
    asks.map(async (row) => {
      const mine: Answer[] = [];
      for (const [at, ask] of row.entries()) {
        const earlyMs = startedAt + at * everyMs - monotonicMs();
        if (earlyMs > 0) await sleep(earlyMs);
        mine.push(await ask());
      }
      return mine;
    }),
  );
  return { answers: answers.flat(), seconds: (monotonicMs() - startedAt) / 1_000 };
}

/** Open loop: questions arrive when they arrive, whether or not those before them are answered. */
export async function askAsTheyCome(asks: Ask[][], perSecond: number, seed: number): Promise<Answers> {
  const all = asks.flat();
  const startedAt = monotonicMs();
  const arrivals = poissonArrivals(perSecond, all.length, createRandom(seed));
  const answers = await Promise.all(
    all.map(async (ask, index) => {
      await new Promise((resolve) => setTimeout(resolve, (arrivals[index] ?? 0) - (monotonicMs() - startedAt)));
      return ask();
    }),
  );
  return { answers, seconds: (monotonicMs() - startedAt) / 1_000 };
}
