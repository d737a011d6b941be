import { setTimeout as sleep } from 'node:timers/promises';
import {
  countOf,
  openStatementCounter,
  type StatementCounter,
  type Statements,
  statementsOfWork,
} from '../counts/count-statements.ts';
import { countFlushes, type SeenCommand, watchRedis } from '../counts/watch-redis.ts';
import { atMost } from '../figures/figure.ts';
import { toText } from '../figures/versus.ts';
import type { Load, Samples } from '../load/load.ts';
import type { Bench } from '../stack/open-bench.ts';
import { type Phase, scaled } from './phase.ts';

const idleMs = 4_000;
/** Late statements, such as the note that a job was enqueued, are counted too. */
const settleMs = 300;
const shortChunks = 8;
const longChunks = 64;

type Counted = { answers: number; statements: Statements; commands: SeenCommand[] };

/** Counts, without a clock: Postgres counts its statements, and Redis repeats each command. */
export const countsPhase: Phase = {
  name: 'counts',
  title: 'Redis round trips and Postgres statements',
  async run({ bench, scale, say, release }) {
    const counter = await openStatementCounter(bench.nexus.postgres.url);
    release(counter.close);
    say(`statements that run without any work, ${idleMs / 1_000} s`);
    await sleep(settleMs);
    await counter.take();
    await sleep(idleMs);
    const idle = await counter.take();

    const count = (chunks: number) => {
      say(`answers of ${chunks} chunks`);
      // One at a time, and each longer than a note waits for others: a statement for several answers would count less than once each.
      const load = { model: `t200-n${chunks}-d10`, clients: 1, asksPerClient: scaled(12, scale) };
      return countDuring(bench, load, counter, idle);
    };
    const short = await count(shortChunks);
    const long = await count(longChunks);

    const perAnswer = countOf(long.statements) / long.answers;
    const perChunk = (perAnswer - countOf(short.statements) / short.answers) / (longChunks - shortChunks);
    const { flushes, roundTrips, entries } = countFlushes(long.commands);
    const perFlush = roundTrips / flushes;
    const flushesPerAnswer = flushes / long.answers;
    const ofLong = `answers of ${longChunks} chunks`;
    return {
      lines: [
        `Redis, ${ofLong}: ${toText(perFlush)} round trips per flush, ${toText(flushesPerAnswer)} flushes and ${toText(entries / long.answers)} log entries per answer`,
        `Postgres: ${toText(perAnswer)} statements per invocation, ${toText(perChunk)} per chunk`,
      ],
      figures: [
        atMost('Redis round trips per flush', perFlush, 1, '', `${toText(flushesPerAnswer)} flushes each, ${ofLong}`),
        atMost('Postgres statements per invocation', perAnswer, 4, '', `${long.answers} ${ofLong}`),
        atMost('Postgres statements per chunk', perChunk, 0, '', `${ofLong} against ${shortChunks}`),
      ],
      data: { perFlush, flushesPerAnswer, perAnswer, perChunk, statements: callsPerAnswer(long) },
    };
  },
};

async function countDuring({ nexus, subjects }: Bench, load: Load, counter: StatementCounter, idle: Statements) {
  const [{ clients }] = subjects;
  await clients.call('open', load);
  await sleep(settleMs);
  const watch = await watchRedis(nexus.redis.url);
  await counter.take();
  const { answers } = await clients.call<Samples>('run', load);
  await sleep(settleMs);
  const ofWork = [...statementsOfWork(await counter.take(), idle)];
  // What comes less often than once for two answers is a timer's, such as a step of the sweep: no answer waits for it.
  const statements = new Map(ofWork.filter(([, { calls }]) => calls >= answers / 2));
  const commands = await watch.stop();
  await clients.call('close');
  return { answers, statements, commands };
}

/** By the start of the statement, which is enough to recognise it. */
function callsPerAnswer({ answers, statements }: Counted): Record<string, number> {
  const toStart = (query: string) => query.replaceAll(/\s+/g, ' ').slice(0, 120);
  return Object.fromEntries([...statements.values()].map(({ query, calls }) => [toStart(query), calls / answers]));
}
