import type { OpenService } from '../../scripts/start/open-service.ts';
import type { Figure } from '../figures/figure.ts';
import { type Summary, summarize } from '../figures/summarize.ts';
import { toText } from '../figures/versus.ts';
import { measureLoad } from './measure-load.ts';
import { type Phase, scaled } from './phase.ts';
import { runRounds } from './run-rounds.ts';

const counts = [1, 2, 4, 8];
const clientsPerWorker = 8;
/** New workers have compiled nothing yet. */
const warmUpRounds = 2;

/** `pace`: what an invocation of plain cost in the same turns, always under the load of one worker. */
type Row = { workers: number; clients: number; summary: Summary; pace: number };

/**
 * More and more workers with as many clients each, and one again: what an invocation costs may not depend on how many there are. The rows stand
 * minutes apart, in which the machine may grow slower or faster, so each is a multiple of what plain cost meanwhile. Once also the load of one on all of them, where each has less to join and to be woken for, and all beat and sweep as before.
 */
export const workersPhase: Phase = {
  name: 'workers',
  title: 'workers 1 → 2 → 4 → 8 → 1: CPU per invocation',
  async run({ bench: { nexus, subjects }, rounds, scale, say }) {
    const [subject, plain] = subjects;
    if (!subject || !plain) throw new Error('the system or plain is missing');
    const extra: OpenService[] = [];

    const measure = async (workers: number, clients = workers * clientsPerWorker): Promise<Row> => {
      const loadOf = (clients: number) => ({ model: 't50-n32-d20', clients, asksPerClient: scaled(4, scale, 2) });
      say(toName({ workers, clients }));
      for (let round = 0; round < warmUpRounds; round += 1) await measureLoad(subject, loadOf(clients));
      const measured = await runRounds(
        [
          { subject, load: loadOf(clients) },
          { subject: plain, load: loadOf(clientsPerWorker) },
        ],
        Math.max(2, Math.ceil(rounds * 0.6)),
        () => {},
      );
      const pace = summarize(measured[plain.name] ?? []).cpuTotal;
      return { workers, clients, summary: summarize(measured[subject.name] ?? []), pace };
    };

    const rows: Row[] = [];
    let spread: Row;
    try {
      for (const workers of counts) {
        while (extra.length + 1 < workers) extra.push(await nexus.addWorker());
        rows.push(await measure(workers));
      }
      spread = await measure(extra.length + 1, clientsPerWorker);
    } finally {
      await Promise.all(extra.map((worker) => worker.stop()));
    }
    rows.push(await measure(1));

    const ones = rows.filter(({ workers }) => workers === 1).map(toCost);
    const base = ones.reduce((sum, each) => sum + each, 0) / ones.length;
    const all = [...rows, spread];
    return {
      lines: all.map(
        ({ summary, ...row }) =>
          `${toName(row)}: ${toText(summary.cpuTotal)} ms per invocation, plain meanwhile ${toText(row.pace)} (${toText(toCost({ summary, ...row }) / base)} × one worker), ours ${toText(summary.cpuOwn)}, workers alone ${toText(summary.cpuByRole.worker ?? 0)}; ${toText(summary.perSecond)}/s`,
      ),
      figures: [toFigure(rows, base)],
      panels: [
        {
          title: 'CPU per invocation, more and more workers',
          unit: 'CPU ms by role',
          groups: all.map(({ summary, workers, clients }) => ({
            label: `${workers} (${clients})`,
            bars: [{ series: '', value: summary.cpuTotal, parts: summary.cpuByRole }],
          })),
        },
      ],
      data: all,
    };
  },
};

/** Of an invocation, in multiples of one of plain. */
function toCost({ summary, pace }: Row): number {
  return summary.cpuTotal / pace;
}

function toName({ workers, clients }: Pick<Row, 'workers' | 'clients'>): string {
  return `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${clients} clients`;
}

function toFigure(rows: Row[], base: number): Figure {
  const most = rows.reduce((a, b) => (b.workers > a.workers ? b : a));
  const each = rows.map(
    ({ summary, pace }) => `${toText(summary.cpuTotal)} (${toText(summary.cpuByRole.worker ?? 0)}; ${toText(pace)})`,
  );
  return {
    name: `CPU per invocation, ${most.workers} workers with ${most.workers} times the load`,
    measured: toCost(most) / base,
    unit: '× one worker',
    bound: 'most',
    limit: 1.1,
    detail: `ms with Postgres and Redis (of workers alone; plain meanwhile): ${each.join(' → ')}`,
  };
}
