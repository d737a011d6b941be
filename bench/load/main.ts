import { parsePace } from '../../tests/support/paced-model.ts';
import { serveCalls } from '../processes/serve-calls.ts';
import type { Answer } from './answer.ts';
import { type Answers, askInTurn } from './ask-in-turn.ts';
import { createChatTarget } from './chat-target.ts';
import { createInsertTarget } from './insert-target.ts';
import type { Load, Samples } from './load.ts';
import { createNexusTarget } from './nexus-target.ts';
import { createPlainTarget } from './plain-target.ts';
import { createStreamTarget } from './stream-target.ts';
import type { OpenClients, Target, TargetAddress } from './target.ts';

/** The clients of one target. `open` connects and subscribes, `run` asks: the caller counts CPU around `run` alone. */
const target = createTarget(JSON.parse(process.env.BENCH_TARGET ?? '') as TargetAddress);
let opened: OpenClients | undefined;

function createTarget(address: TargetAddress): Target {
  switch (address.kind) {
    case 'nexus':
      return createNexusTarget(address);
    case 'stream':
      return createStreamTarget(address);
    case 'chat':
      return createChatTarget(address);
    case 'plain':
      return createPlainTarget(address);
    case 'insert':
      return createInsertTarget(address);
  }
}

serveCalls(null, {
  async open({ model, clients, asksPerClient }: Load) {
    opened = await target.open(model, clients, asksPerClient);
  },
  async run({ model, everyMs }: Load): Promise<Samples> {
    return toSamples(model, await askInTurn(opened?.asks ?? [], everyMs));
  },
  close() {
    opened?.close();
    opened = undefined;
  },
});

function toSamples(model: string, { answers, seconds }: Answers): Samples {
  const { firstMs, chunks, gapMs } = parsePace(model);
  const providerMs = firstMs + Math.max(0, chunks - 1) * gapMs;
  for (const answer of answers) {
    if (answer.chunks.length !== chunks) throw new Error(`${answer.chunks.length} of ${chunks} chunks arrived`);
  }
  const firstSeen = ({ chunks: [first] }: Answer) => first?.seenAt ?? Number.NaN;
  return {
    answers: answers.length,
    seconds,
    firstChunkMs: answers.map((answer) => firstSeen(answer) - answer.postedAt - firstMs),
    ageMs: answers.flatMap((answer) => answer.chunks.map(({ sentAt, seenAt }) => seenAt - sentAt)),
    acceptedMs: answers.map(({ postedAt, acceptedAt }) => acceptedAt - postedAt),
    endMs: answers.map(({ postedAt, endedAt }) => endedAt - postedAt - providerMs),
  };
}
