import { type Summary, summarize } from '../figures/summarize.ts';
import { toText, versus } from '../figures/versus.ts';
import type { Load } from '../load/load.ts';
import { openSubject } from '../stack/open-bench.ts';
import { type Phase, scaled } from './phase.ts';
import { runRounds } from './run-rounds.ts';

const streamsName = 'event streams';

/** Chunks without a pause: the answer runs while its reader is still on the way from reading the log to listening. */
const fastAnswers: Load = { model: 't5-n8-d0', clients: 16, asksPerClient: 32 };

/** The same answers, from the stream of the POST and over sockets. The API begins to listen for a stream only after the POST. */
export const streamPhase: Phase = {
  name: 'streams',
  title: 'event streams against sockets, 16 at once, 8 chunks without a pause',
  async run({ bench, rounds, scale, say, release }) {
    const { apiUrl, roles } = bench.nexus;
    const [sockets] = bench.subjects;
    if (!sockets) throw new Error('the system is missing');
    const streams = await openSubject(release, streamsName, { kind: 'stream', apiUrl }, roles);
    const load = { ...fastAnswers, asksPerClient: scaled(fastAnswers.asksPerClient, scale) };
    const measured = await runRounds(
      [
        { subject: sockets, load },
        { subject: streams, load },
      ],
      rounds,
      say,
    );
    const overSockets = summarize(measured[sockets.name] ?? []);
    const overStreams = summarize(measured[streamsName] ?? []);
    const figure = (what: string, of: (summary: Summary) => number) =>
      versus(`${what} over an event stream, 16 at once, p99`, 'ms', of(overStreams), of(overSockets), 1.5, 'sockets');
    return {
      lines: [toLine(streamsName, overStreams), toLine('sockets', overSockets)],
      figures: [figure('first chunk', ({ firstChunkP99 }) => firstChunkP99), figure('end', ({ endP99 }) => endP99)],
      data: { load, overSockets, overStreams, rounds: measured },
    };
  },
};

function toLine(name: string, { firstChunkP50, firstChunkP99, endP50, endP99 }: Summary): string {
  return `${name}: first chunk p50 ${toText(firstChunkP50)} ms, p99 ${toText(firstChunkP99)} ms; end p50 ${toText(endP50)} ms, p99 ${toText(endP99)} ms`;
}
