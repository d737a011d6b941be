import { parseArgs } from 'node:util';

export type BenchOptions = {
  /** Which phases; null for all. */
  phases: string[] | null;
  rounds: number;
  /** How often each thing is done, as a share of what a full run does. */
  scale: number;
  seed: number;
};

const usage = 'usage: npm run bench [-- --quick] [--phases 1,16,64] [--rounds N] [--seed N]';

/** Throws one line that says what does not fit. */
export function readBenchOptions(args: string[], known: string[]): BenchOptions {
  const { values } = parse(args);
  const phases = values.phases?.split(',').map((name) => name.trim()) ?? null;
  const unknown = phases?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw new Error(`--phases: no ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return {
    phases,
    rounds: readCount('--rounds', values.rounds ?? (values.quick ? '2' : '5'), 50),
    scale: values.quick ? 0.5 : 1,
    seed: readCount('--seed', values.seed, 2 ** 31),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        phases: { type: 'string' },
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
      },
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message.split('.')[0] : error}. ${usage}`);
  }
}

function readCount(name: string, text: string, most: number): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > most)
    throw new Error(`${name}: expected a number from 1 to ${most}. ${usage}`);
  return count;
}
