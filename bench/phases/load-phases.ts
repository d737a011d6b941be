import type { Figure } from '../figures/figure.ts';
import { type Summary, summarize } from '../figures/summarize.ts';
import { versus } from '../figures/versus.ts';
import type { Load } from '../load/load.ts';
import { toLoadPanels } from '../report/load-panels.ts';
import { toLoadTable } from '../report/load-table.ts';
import { type Phase, type PhaseTools, scaled } from './phase.ts';
import { runRounds } from './run-rounds.ts';

type LoadPhase = {
  name: string;
  title: string;
  load: Load;
  /** Of all rounds, how many: the long ones need fewer; one whose figures are the worst of each round, which is mostly luck, more. */
  share?: number;
  figures?: (nexus: Summary, plain: Summary) => Figure[];
};

const phases: LoadPhase[] = [
  {
    name: '1',
    title: 'one at a time, 16 chunks 20 ms apart',
    load: { model: 't50-n16-d20', clients: 1, asksPerClient: 12 },
    figures: (nexus, plain) => [
      versus('first chunk beyond the provider, one at a time, p50', 'ms', nexus.firstChunkP50, plain.firstChunkP50, 1),
      versus('age added per chunk, one at a time, p50', 'ms', nexus.ageP50, plain.ageP50, 1),
    ],
  },
  {
    name: '16',
    title: '16 at once, 64 chunks 20 ms apart',
    load: { model: 't50-n64-d20', clients: 16, asksPerClient: 4 },
    share: 2,
    figures: (nexus, plain) => [
      versus('first chunk beyond the provider, 16 at once, p99', 'ms', nexus.firstChunkP99, plain.firstChunkP99, 1),
      versus('age added per chunk, 16 at once, p99', 'ms', nexus.ageP99, plain.ageP99, 1),
      versus('CPU per 64-chunk answer, 16 at once, our processes', 'ms', nexus.cpuOwn, plain.cpuOwn, 0.8),
    ],
  },
  {
    name: '64',
    title: '64 at once, 8 chunks 2 ms apart',
    load: { model: 't5-n8-d2', clients: 64, asksPerClient: 12 },
    figures: (nexus, plain) => [
      {
        ...versus('invocations per second, 64 at once, 8 chunks', '/s', nexus.perSecond, plain.perSecond, 0.8),
        bound: 'least',
      },
      {
        name: 'memory of our processes together after the 64 phase',
        measured: nexus.memoryOwn / 1e9,
        unit: 'GB',
        bound: 'most',
        limit: 0.6,
        detail: `plain ${(plain.memoryOwn / 1e9).toFixed(2)} GB`,
      },
    ],
  },
  {
    name: '256',
    title: '256 at once, 32 chunks 100 ms apart',
    load: { model: 't50-n32-d100', clients: 256, asksPerClient: 1 },
    share: 0.6,
  },
  {
    name: 'long',
    title: '4 at once, 512 chunks 5 ms apart',
    load: { model: 't50-n512-d5', clients: 4, asksPerClient: 1 },
    share: 0.6,
  },
  {
    name: 'open',
    title: 'open loop: 30 per second as they come, 16 chunks 20 ms apart',
    load: { model: 't50-n16-d20', clients: 30, asksPerClient: 6, arrivals: { perSecond: 30, seed: 0 } },
    share: 0.6,
  },
];

export const loadPhases: Phase[] = phases.map((phase) => ({
  name: phase.name,
  title: phase.title,
  run: (tools) => runLoadPhase(phase, tools),
}));

async function runLoadPhase(phase: LoadPhase, { bench, rounds, scale, seed, say }: PhaseTools) {
  const load: Load = {
    ...phase.load,
    asksPerClient: scaled(phase.load.asksPerClient, scale),
    ...(phase.load.arrivals ? { arrivals: { ...phase.load.arrivals, seed } } : {}),
  };
  const contestants = bench.subjects.map((subject) => ({ subject, load }));
  const measured = await runRounds(contestants, Math.ceil(rounds * (phase.share ?? 1)), say);
  const summaries = Object.fromEntries(Object.entries(measured).map(([name, each]) => [name, summarize(each)]));
  const { nexus, plain } = summaries;
  return {
    lines: toLoadTable(summaries),
    figures: nexus && plain ? (phase.figures?.(nexus, plain) ?? []) : [],
    panels: toLoadPanels(phase.title, summaries),
    data: { load, summaries, rounds: mapRounds(measured) },
  };
}

function mapRounds(measured: Awaited<ReturnType<typeof runRounds>>) {
  return Object.fromEntries(
    Object.entries(measured).map(([name, rounds]) => [name, rounds.map((round) => summarize([round]))]),
  );
}
