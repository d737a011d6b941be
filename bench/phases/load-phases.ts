import { atMost, type Figure } from '../figures/figure.ts';
import { type Summary, summarize } from '../figures/summarize.ts';
import { versus } from '../figures/versus.ts';
import type { Load } from '../load/load.ts';
import { toLoadTable } from '../report/load-table.ts';
import { type Phase, type PhaseTools, scaled } from './phase.ts';
import { runRounds } from './run-rounds.ts';

type LoadPhase = {
  name: string;
  title: string;
  load: Load;
  /** Rounds, as a multiple of the run's. The p99 of a round varies most, so its phase has more of them. */
  share?: number;
  toFigures(nexus: Summary, plain: Summary): Figure[];
};

/** The price of durability: before the first chunk, Postgres commits an insert and a claim. Plain stores nothing. */
const price = 1.8;

const phases: LoadPhase[] = [
  {
    name: '1',
    title: 'one at a time, 16 chunks 20 ms apart',
    load: { model: 't50-n16-d20', clients: 1, asksPerClient: 12 },
    toFigures: ({ firstChunkP50, ageP50 }, plain) => [
      versus('first chunk beyond the provider, one at a time, p50', 'ms', firstChunkP50, plain.firstChunkP50, price),
      versus('age added per chunk, one at a time, p50', 'ms', ageP50, plain.ageP50, 1),
    ],
  },
  {
    name: '16',
    title: '16 at once, 64 chunks 20 ms apart',
    load: { model: 't50-n64-d20', clients: 16, asksPerClient: 4 },
    share: 2,
    toFigures: ({ firstChunkP99, ageP99, cpuOwn }, plain) => [
      versus('first chunk beyond the provider, 16 at once, p99', 'ms', firstChunkP99, plain.firstChunkP99, price),
      versus('age added per chunk, 16 at once, p99', 'ms', ageP99, plain.ageP99, 1),
      versus('CPU per 64-chunk answer, 16 at once, our processes', 'ms', cpuOwn, plain.cpuOwn, 0.8),
    ],
  },
  {
    name: '64',
    title: '64 at once, 8 chunks 2 ms apart',
    load: { model: 't5-n8-d2', clients: 64, asksPerClient: 12 },
    toFigures: ({ perSecond, memoryOwn }, plain) => [
      {
        ...versus('invocations per second, 64 at once, 8 chunks', '/s', perSecond, plain.perSecond, 0.8),
        bound: 'least',
      },
      atMost(
        'memory of our processes together after the 64 phase',
        memoryOwn / 1e9,
        0.6,
        'GB',
        `plain ${(plain.memoryOwn / 1e9).toFixed(2)} GB`,
      ),
    ],
  },
];

export const loadPhases: Phase[] = phases.map((phase) => ({
  name: phase.name,
  title: phase.title,
  run: (tools) => runLoadPhase(phase, tools),
}));

async function runLoadPhase(phase: LoadPhase, { bench, rounds, scale, say }: PhaseTools) {
  const load: Load = { ...phase.load, asksPerClient: scaled(phase.load.asksPerClient, scale) };
  const contestants = bench.subjects.map((subject) => ({ subject, load }));
  const measured = await runRounds(contestants, Math.ceil(rounds * (phase.share ?? 1)), say);
  const [nexus, plain] = bench.subjects.map(({ name }) => summarize(measured[name] ?? []));
  if (!nexus || !plain) throw new Error('the system or the baseline was not measured');
  const each = Object.entries(measured).map(([name, all]) => [name, all.map((round) => summarize([round]))]);
  return {
    lines: toLoadTable({ nexus, plain }),
    figures: phase.toFigures(nexus, plain),
    data: { load, summaries: { nexus, plain }, rounds: Object.fromEntries(each) },
  };
}
