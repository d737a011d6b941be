import type { OpenService } from '../../scripts/start/open-service.ts';
import type { Figure } from '../figures/figure.ts';
import { type Summary, summarize } from '../figures/summarize.ts';
import { toText } from '../figures/versus.ts';
import { type Measurement, measureLoad } from './measure-load.ts';
import { type Phase, scaled } from './phase.ts';

const counts = [1, 2, 4, 8];
const clientsPerWorker = 8;
/** New workers have compiled nothing yet. */
const warmUpRounds = 2;

type Row = { workers: number; clients: number; summary: Summary };

/**
 * More and more workers with as many clients each, and one again: what an invocation costs may not depend on how many there are. Once
 * also the load of one on all of them, where each has less to join and to be woken for, and all beat and sweep as before.
 */
export const workersPhase: Phase = {
  name: 'workers',
  title: 'workers 1 → 2 → 4 → 8 → 1: CPU per invocation',
  async run({ bench: { nexus, subjects }, rounds, scale, say }) {
    const [subject] = subjects;
    if (!subject) throw new Error('the system is missing');
    const extra: OpenService[] = [];

    const measure = async (workers: number, clients = workers * clientsPerWorker): Promise<Row> => {
      const load = { model: 't50-n32-d20', clients, asksPerClient: scaled(4, scale, 2) };
      say(toName({ workers, clients }));
      for (let round = 0; round < warmUpRounds; round += 1) await measureLoad(subject, load);
      const measured: Measurement[] = [];
      for (let round = 0; round < Math.max(2, Math.ceil(rounds * 0.4)); round += 1)
        measured.push(await measureLoad(subject, load));
      return { workers, clients, summary: summarize(measured) };
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

    const ones = rows.filter(({ workers }) => workers === 1).map(({ summary }) => summary.cpuTotal);
    const base = ones.reduce((sum, each) => sum + each, 0) / ones.length;
    const all = [...rows, spread];
    return {
      lines: all.map(
        ({ summary, ...row }) =>
          `${toName(row)}: ${toText(summary.cpuTotal)} ms per invocation (${toText(summary.cpuTotal / base)} × one worker), ours ${toText(summary.cpuOwn)}, workers alone ${toText(summary.cpuByRole.worker ?? 0)}; ${toText(summary.perSecond)}/s`,
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

function toName({ workers, clients }: Omit<Row, 'summary'>): string {
  return `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${clients} clients`;
}

function toFigure(rows: Row[], base: number): Figure {
  const most = rows.reduce((a, b) => (b.workers > a.workers ? b : a));
  const each = rows.map(({ summary }) => `${toText(summary.cpuTotal)} (${toText(summary.cpuByRole.worker ?? 0)})`);
  return {
    name: `CPU per invocation, ${most.workers} workers with ${most.workers} times the load`,
    measured: most.summary.cpuTotal / base,
    unit: '× one worker',
    bound: 'most',
    limit: 1.1,
    detail: `ms with Postgres and Redis, and of workers alone: ${each.join(' → ')}`,
  };
}
