import type { Load } from '../load/load.ts';
import type { Subject, SubjectName } from '../stack/open-bench.ts';
import { type Measurement, measureLoad } from './measure-load.ts';

export type LoadPhase = {
  name: string;
  title: string;
  load: Load;
};

export type LoadResult = LoadPhase & { rounds: Partial<Record<SubjectName, Measurement[]>> };

/**
 * Every subject in every round, in turns: A B C, then C B A, so that a machine that grows slower or faster meanwhile favours none. The
 * first, smaller round only warms up what is to be measured.
 */
export async function runLoadPhase(
  phase: LoadPhase,
  subjects: Subject[],
  rounds: number,
  say: (line: string) => void,
): Promise<LoadResult> {
  const result: LoadResult = { ...phase, rounds: {} };
  const warmUp = { ...phase.load, asksPerClient: Math.max(1, Math.ceil(phase.load.asksPerClient / 4)) };
  for (const subject of subjects) await measureLoad(subject, warmUp);
  for (let round = 1; round <= rounds; round += 1) {
    for (const subject of round % 2 === 1 ? subjects : subjects.toReversed()) {
      say(`${phase.title}: round ${round} of ${rounds}, ${subject.name}`);
      const measured = await measureLoad(subject, phase.load);
      result.rounds[subject.name] = [...(result.rounds[subject.name] ?? []), measured];
    }
  }
  return result;
}
