import type { Load } from '../load/load.ts';
import type { Subject } from '../stack/open-bench.ts';
import { type Measurement, measureLoad } from './measure-load.ts';

export type Contestant = { subject: Subject; load: Load };

/**
 * Measures all contestants in every round: A B, then B A, so that a machine that becomes slower or faster favours neither. A round of
 * half the length warms each one up first, and does not count.
 */
export async function runRounds(
  contestants: Contestant[],
  rounds: number,
  say: (line: string) => void,
): Promise<Record<string, Measurement[]>> {
  const measured: Record<string, Measurement[]> = {};
  for (const { subject, load } of contestants)
    await measureLoad(subject, { ...load, asksPerClient: Math.ceil(load.asksPerClient / 2) });
  for (let round = 1; round <= rounds; round += 1) {
    for (const { subject, load } of round % 2 === 1 ? contestants : contestants.toReversed()) {
      say(`round ${round} of ${rounds}: ${subject.name}`);
      const measurement = await measureLoad(subject, load);
      measured[subject.name] = [...(measured[subject.name] ?? []), measurement];
    }
  }
  return measured;
}
