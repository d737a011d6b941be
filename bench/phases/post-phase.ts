import { summarize } from '../figures/summarize.ts';
import { toText, versus } from '../figures/versus.ts';
import { openProcess } from '../processes/open-process.ts';
import { openSubject } from '../stack/open-bench.ts';
import { type Phase, scaled } from './phase.ts';
import { runRounds } from './run-rounds.ts';

const baselineName = 'Express + one insert';

/**
 * Longer than a POST of ours and the work after it. Back to back, the baseline would find all its caches warm, while worker, Redis and
 * gateway work between two POSTs of ours. At one pace, both find the machine equally cold.
 */
const paceMs = 30;

/** The POST against the least that stores a message durably. An answer has one chunk: this phase does not measure the worker. */
export const postPhase: Phase = {
  name: 'post',
  title: `the POST, one every ${paceMs} ms, against Express and one pg insert`,
  async run({ bench, rounds, scale, say, release }) {
    const env = { DATABASE_URL: bench.nexus.postgres.url };
    const api = await openProcess<{ url: string }>('insert api', 'bench/baselines/insert/api.ts', { env });
    release(api.stop);
    const insert = await openSubject(release, baselineName, { kind: 'insert', apiUrl: api.ready.url }, {});
    const [nexus] = bench.subjects;
    const load = { clients: 1, asksPerClient: scaled(160, scale), everyMs: paceMs };
    const contestants = [
      { subject: nexus, load: { model: 't0-n1-d0', ...load } },
      { subject: insert, load: { model: 't0-n0-d0', ...load } },
    ];
    const measured = await runRounds(contestants, Math.ceil(rounds * 0.6), say);
    const [ours, least] = contestants.map(({ subject: { name } }) => summarize(measured[name] ?? []));
    if (!ours || !least) throw new Error('the POST was not measured');
    const line = (name: string, { acceptedP50, acceptedP99 }: typeof ours) =>
      `${name}: p50 ${toText(acceptedP50)} ms, p99 ${toText(acceptedP99)} ms`;
    const name = `POST answered (durable), one every ${paceMs} ms, p50`;
    return {
      lines: [line('nexus', ours), line(baselineName, least)],
      figures: [versus(name, 'ms', ours.acceptedP50, least.acceptedP50, 1.5, baselineName)],
      data: { nexus: ours, insert: least },
    };
  },
};
