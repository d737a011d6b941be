import { summarize } from '../figures/summarize.ts';
import { toText, versus } from '../figures/versus.ts';
import type { Load } from '../load/load.ts';
import { openSubject } from '../stack/open-bench.ts';
import { type Phase, scaled } from './phase.ts';
import { runRounds } from './run-rounds.ts';

const chatName = 'chat completions';
const streamsName = 'event streams';

const answers: Load = { model: 't5-n32-d5', clients: 16, asksPerClient: 16 };

/** The same answers as chunks of OpenAI's protocol, and as our own events: what the API pays for the translation. */
export const chatPhase: Phase = {
  name: 'chat',
  title: 'Chat Completions against our own event streams, 16 at once, 32 chunks 5 ms apart',
  async run({ bench, rounds, scale, say, release }) {
    const { apiUrl, roles } = bench.nexus;
    const load = { ...answers, asksPerClient: scaled(answers.asksPerClient, scale) };
    const contestants = [
      { subject: await openSubject(release, chatName, { kind: 'chat', apiUrl }, roles), load },
      { subject: await openSubject(release, streamsName, { kind: 'stream', apiUrl }, roles), load },
    ];
    const measured = await runRounds(contestants, rounds, say);
    const chat = summarize(measured[chatName] ?? []);
    const streams = summarize(measured[streamsName] ?? []);
    const cpuOf = ({ cpuByRole }: typeof chat) => cpuByRole.api ?? Number.NaN;
    const name = 'CPU of the API per streamed chat completion, 32 chunks';
    return {
      lines: [
        `${chatName}: API ${toText(cpuOf(chat))} ms of CPU, end p50 ${toText(chat.endP50)} ms`,
        `${streamsName}: API ${toText(cpuOf(streams))} ms of CPU, end p50 ${toText(streams.endP50)} ms`,
      ],
      figures: [versus(name, 'ms', cpuOf(chat), cpuOf(streams), 1.3, streamsName)],
      data: { load, chat, streams },
    };
  },
};
