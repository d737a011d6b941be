import type { OpenService } from '../../scripts/start/open-service.ts';
import { type Summary, summarize } from '../figures/summarize.ts';
import { toText } from '../figures/versus.ts';
import { type Measurement, measureLoad } from './measure-load.ts';
import { type Phase, scaled } from './phase.ts';

const counts = [1, 2, 4, 8];

/** The same load on more and more workers, and on one again: what an invocation costs may not depend on how many there are. */
export const workersPhase: Phase = {
  name: 'workers',
  title: 'workers 1 → 2 → 4 → 8 → 1: CPU per invocation',
  async run({ bench: { nexus, subjects }, rounds, scale, say }) {
    const [subject] = subjects;
    if (!subject) throw new Error('the system is missing');
    const load = { model: 't50-n32-d20', clients: 32, asksPerClient: scaled(4, scale, 2) };
    const extra: OpenService[] = [];
    const rows: { workers: number; summary: Summary }[] = [];

    const measure = async (workers: number) => {
      say(`${workers} workers`);
      await measureLoad(subject, load); // the new ones have compiled nothing yet
      const measured: Measurement[] = [];
      for (let round = 0; round < Math.max(2, Math.ceil(rounds * 0.4)); round += 1)
        measured.push(await measureLoad(subject, load));
      rows.push({ workers, summary: summarize(measured) });
    };
    try {
      for (const workers of counts) {
        while (extra.length + 1 < workers) extra.push(await nexus.addWorker());
        await measure(workers);
      }
    } finally {
      await Promise.all(extra.map((worker) => worker.stop()));
    }
    await measure(1);

    const ones = rows.filter(({ workers }) => workers === 1).map(({ summary }) => summary.cpuTotal);
    const base = ones.reduce((sum, each) => sum + each, 0) / ones.length;
    return {
      lines: rows.map(
        ({ workers, summary }) =>
          `${workers} ${workers === 1 ? 'worker ' : 'workers'}: ${toText(summary.cpuTotal)} ms per invocation (${toText(summary.cpuTotal / base)} × one worker), ours ${toText(summary.cpuOwn)}, workers alone ${toText(summary.cpuByRole.worker ?? 0)}; ${toText(summary.perSecond)}/s`,
      ),
      figures: [],
      panels: [
        {
          title: 'CPU per invocation, more and more workers',
          unit: 'CPU ms by role',
          groups: rows.map(({ workers, summary }) => ({
            label: `${workers}`,
            bars: [{ series: '', value: summary.cpuTotal, parts: summary.cpuByRole }],
          })),
        },
      ],
      data: rows,
    };
  },
};
