import { parseArgs } from 'node:util';

export type BenchOptions = {
  /** Null runs every phase. */
  phases: string[] | null;
  rounds: number;
  /** The share of a full run's repetitions. */
  scale: number;
};

const usage = 'usage: npm run bench [-- --quick] [--phases 1,16,64] [--rounds N]';
const maxRounds = 50;

/** Throws an error whose single line names the wrong option. */
export function readBenchOptions(args: string[], known: string[]): BenchOptions {
  const { quick, ...given } = parse(args);
  const phases = given.phases?.split(',').map((name) => name.trim()) ?? null;
  const unknown = phases?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw new Error(`--phases: no ${unknown.join(', ')}; there are ${known.join(', ')}`);
  const rounds = Number(given.rounds ?? (quick ? 2 : 5));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > maxRounds)
    throw new Error(`--rounds: expected a number from 1 to ${maxRounds}. ${usage}`);
  return { phases, rounds, scale: quick ? 0.5 : 1 };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: { phases: { type: 'string' }, rounds: { type: 'string' }, quick: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message.split('.')[0] : error}. ${usage}`);
  }
}
