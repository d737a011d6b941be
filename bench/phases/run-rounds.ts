import type { Load } from '../load/load.ts';
import type { Subject } from '../stack/open-bench.ts';
import { type Measurement, measureLoad } from './measure-load.ts';

export type Contestant = { subject: Subject; load: Load };

/**
 * Everyone in every round, in turns: A B C, then C B A, so that a machine that grows slower or faster meanwhile favours none. A
 * smaller round before the first warms up what is to be measured.
 */
export async function runRounds(
  contestants: Contestant[],
  rounds: number,
  say: (line: string) => void,
): Promise<Record<string, Measurement[]>> {
  const measured: Record<string, Measurement[]> = {};
  for (const { subject, load } of contestants) {
    await measureLoad(subject, { ...load, asksPerClient: Math.max(1, Math.ceil(load.asksPerClient / 2)) });
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const { subject, load } of round % 2 === 1 ? contestants : contestants.toReversed()) {
      say(`round ${round} of ${rounds}: ${subject.name}`);
      const measurement = await measureLoad(subject, load);
      measured[subject.name] = [...(measured[subject.name] ?? []), measurement];
    }
  }
  return measured;
}
