import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../processes/monotonic-ms.ts';
import type { Answer } from './answer.ts';
import type { Ask } from './target.ts';

export type Answers = { answers: Answer[]; seconds: number };

/** A closed loop: each client waits for its answer, and for the time at which its next question is due, before it asks again. */
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
