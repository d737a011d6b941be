import { type Summary, summarize } from '../figures/summarize.ts';
import { toText, versus } from '../figures/versus.ts';
import { openProcess } from '../processes/open-process.ts';
import { createDatabase } from '../stack/create-database.ts';
import { openSubject } from '../stack/open-bench.ts';
import { type Phase, scaled } from './phase.ts';
import { runRounds } from './run-rounds.ts';

const baselineName = 'Express + one insert';

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

    const at = async (clients: number) => {
      const asksPerClient = scaled(160, scale) / clients;
      const measured = await runRounds(
        [
          { subject: nexus, load: { model: 't0-n1-d0', clients, asksPerClient } },
          { subject: insert, load: { model: 't0-n0-d0', clients, asksPerClient } },
        ],
        Math.ceil(rounds * 0.6),
        (line) => say(`${clients} at once, ${line}`),
      );
      return { nexus: summarize(measured.nexus ?? []), insert: summarize(measured[baselineName] ?? []) };
    };
    const one = await at(1);
    const sixteen = await at(16);
    const line = (clients: number, { nexus, insert }: typeof one) =>
      `${clients} at once: p50 ${toText(nexus.acceptedP50)} ms, p99 ${toText(nexus.acceptedP99)} ms; ${baselineName}: p50 ${toText(insert.acceptedP50)} ms, p99 ${toText(insert.acceptedP99)} ms`;
    return {
      lines: [line(1, one), line(16, sixteen)],
      figures: [
        versus(
          'POST answered (durable), one at a time, p50',
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
            { label: 'one at a time', bars: toBars(one) },
            { label: '16 at once', bars: toBars(sixteen) },
          ],
        },
      ],
      data: { one, sixteen },
    };
  },
};

function toBars({ nexus, insert }: { nexus: Summary; insert: Summary }) {
  return [
    { series: 'nexus', value: nexus.acceptedP50 },
    { series: baselineName, value: insert.acceptedP50 },
  ];
}
