import { type Summary, summarize } from '../figures/summarize.ts';
import { toText, versus } from '../figures/versus.ts';
import { openProcess } from '../processes/open-process.ts';
import { createDatabase } from '../stack/create-database.ts';
import { openSubject } from '../stack/open-bench.ts';
import { type Phase, scaled } from './phase.ts';
import { runRounds } from './run-rounds.ts';

const baselineName = 'Express + one insert';

/**
 * One POST in so many milliseconds: longer than a POST of ours and what follows it take. Asked back to back, the baseline does nothing but
 * insert and has all it needs at hand, while between two POSTs of ours the worker, Redis and the gateway work: at one pace both find the
 * machine as cold.
 */
const paceMs = 30;

/** POST until answered, against the least that stores a message durably. Answers of one chunk: the worker is not what is measured. */
export const postPhase: Phase = {
  name: 'post',
  title: 'POST answered, against Express and one pg insert',
  async run({ bench, rounds, scale, say, release }) {
    const url = await createDatabase(bench.nexus.postgres, 'bench_insert');
    const api = await openProcess<{ url: string }>('insert api', 'bench/baselines/insert/api.ts', {
      env: { DATABASE_URL: url },
    });
    release(api.stop);
    const insert = await openSubject(release, baselineName, { kind: 'insert', apiUrl: api.ready.url }, {});
    const [nexus] = bench.subjects;
    if (!nexus) throw new Error('the system is missing');

    const at = async (clients: number, everyMs: number) => {
      const asksPerClient = scaled(160, scale) / clients;
      const measured = await runRounds(
        [
          { subject: nexus, load: { model: 't0-n1-d0', clients, asksPerClient, everyMs } },
          { subject: insert, load: { model: 't0-n0-d0', clients, asksPerClient, everyMs } },
        ],
        Math.ceil(rounds * 0.6),
        (line) => say(`${toName(clients, everyMs)}, ${line}`),
      );
      return { nexus: summarize(measured.nexus ?? []), insert: summarize(measured[baselineName] ?? []) };
    };
    const one = await at(1, paceMs);
    const backToBack = await at(1, 0);
    const sixteen = await at(16, 0);
    const line = (name: string, { nexus, insert }: typeof one) =>
      `${name}: p50 ${toText(nexus.acceptedP50)} ms, p99 ${toText(nexus.acceptedP99)} ms; ${baselineName}: p50 ${toText(insert.acceptedP50)} ms, p99 ${toText(insert.acceptedP99)} ms`;
    return {
      lines: [line(toName(1, paceMs), one), line(toName(1, 0), backToBack), line(toName(16, 0), sixteen)],
      figures: [
        versus(
          `POST answered (durable), one every ${paceMs} ms, p50`,
          'ms',
          one.nexus.acceptedP50,
          one.insert.acceptedP50,
          1.5,
          baselineName,
        ),
      ],
      panels: [
        {
          title: 'POST answered',
          unit: 'ms, p50',
          groups: [
            { label: toName(1, paceMs), bars: toBars(one) },
            { label: toName(1, 0), bars: toBars(backToBack) },
            { label: '16 at once', bars: toBars(sixteen) },
          ],
        },
      ],
      data: { one, backToBack, sixteen },
    };
  },
};

function toName(clients: number, everyMs: number): string {
  if (clients > 1) return `${clients} at once`;
  return everyMs > 0 ? `one every ${everyMs} ms` : 'one, back to back';
}

function toBars({ nexus, insert }: { nexus: Summary; insert: Summary }) {
  return [
    { series: 'nexus', value: nexus.acceptedP50 },
    { series: baselineName, value: insert.acceptedP50 },
  ];
}
