import {
  countOf,
  openStatementCounter,
  type StatementCounter,
  type Statements,
  statementsOfWork,
} from '../counts/count-statements.ts';
import { countFlushes, type SeenCommand, watchRedis } from '../counts/watch-redis.ts';
import { toText } from '../figures/versus.ts';
import type { Samples } from '../load/load.ts';
import type { Subject } from '../stack/open-bench.ts';
import { cpuByRole, difference, totalOf } from '../stack/roles.ts';
import { type Phase, scaled } from './phase.ts';

const idleMs = 4_000;
/** Late statements, such as the note that a job was enqueued, are counted too. */
const settleMs = 300;
const shortChunks = 8;
const longChunks = 64;

type Counted = { answers: number; statements: Statements; commands: SeenCommand[] };

/** Counted, not timed: Postgres counts its statements, and Redis repeats what it is told. */
export const countsPhase: Phase = {
  name: 'counts',
  title: 'Redis round trips and Postgres statements',
  async run({ bench: { nexus, subjects }, scale, say, release }) {
    const [subject] = subjects;
    if (!subject) throw new Error('the system is missing');
    const counter = await openStatementCounter(nexus.postgres.url);
    release(counter.close);
    say(`what runs without any work, ${idleMs / 1_000} s`);
    await pause(settleMs);
    await counter.take();
    const before = cpuByRole(nexus.roles);
    await pause(idleMs);
    const idleCpuMs = difference(cpuByRole(nexus.roles), before);
    const idle = await counter.take();

    const count = async (chunks: number): Promise<Counted> => {
      say(`answers of ${chunks} chunks`);
      // One at a time, and each longer than a note waits for others: in one statement for many it would count as less than one each.
      const load = { model: `t200-n${chunks}-d10`, clients: 1, asksPerClient: scaled(12, scale) };
      return countDuring(subject, load, counter, nexus.redis.url, idle);
    };
    const short = await count(shortChunks);
    const long = await count(longChunks);

    const perAnswer = countOf(long.statements) / long.answers;
    const perChunk = (perAnswer - countOf(short.statements) / short.answers) / (longChunks - shortChunks);
    const { flushes, roundTrips, entries } = countFlushes(long.commands);
    const perFlush = roundTrips / flushes;
    const statements = Object.fromEntries(
      [...long.statements.values()].map(({ query, calls }) => [toStart(query), calls / long.answers]),
    );
    const commandsPerAnswer = commandsByClient(long);
    return {
      lines: [
        `Redis: ${toText(perFlush)} round trips per flush; ${toText(flushes / long.answers)} flushes and ${toText(entries / long.answers)} log entries per answer of ${longChunks} chunks`,
        `Redis commands per answer by connection: ${Object.entries(commandsPerAnswer)
          .map(([client, each]) => `${client} ${toText(each)}`)
          .join(' · ')}`,
        `Postgres: ${toText(perAnswer)} statements per invocation, ${toText(perChunk)} per chunk`,
        `Idle: ${toText((totalOf(idleCpuMs) / idleMs) * 100)} % of a CPU, Postgres and Redis included`,
      ],
      figures: [
        {
          name: 'Redis round trips per flush',
          measured: perFlush,
          unit: '',
          bound: 'most',
          limit: 1,
          detail: `${toText(flushes / long.answers)} flushes per answer of ${longChunks} chunks`,
        },
        {
          name: 'Postgres statements per invocation',
          measured: perAnswer,
          unit: '',
          bound: 'most',
          limit: 4,
          detail: `${long.answers} answers of ${longChunks} chunks`,
        },
        {
          name: 'Postgres statements per chunk',
          measured: perChunk,
          unit: '',
          bound: 'most',
          limit: 0,
          detail: `answers of ${longChunks} chunks against ${shortChunks}`,
        },
      ],
      panels: [
        {
          title: 'Redis commands per answer, by connection',
          unit: `answers of ${longChunks} chunks`,
          groups: Object.entries(commandsPerAnswer).map(([client, value]) => ({
            label: client.replace('nexus-', ''),
            bars: [{ series: 'nexus', value }],
          })),
        },
      ],
      data: {
        perFlush,
        flushesPerAnswer: flushes / long.answers,
        commandsPerAnswer,
        perAnswer,
        perChunk,
        statements,
        idleCpuMs,
        idleMs,
      },
    };
  },
};

async function countDuring(
  { clients }: Subject,
  load: { model: string; clients: number; asksPerClient: number },
  counter: StatementCounter,
  redisUrl: string,
  idle: Statements,
): Promise<Counted> {
  await clients.call('open', load);
  await pause(settleMs);
  const watch = await watchRedis(redisUrl);
  await counter.take();
  const { answers } = await clients.call<Samples>('run', load);
  await pause(settleMs);
  const statements = statementsOfWork(await counter.take(), idle);
  const commands = await watch.stop();
  await clients.call('close');
  return { answers, statements, commands };
}

function commandsByClient({ answers, commands }: Counted): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { client } of commands) {
    if (client.startsWith('nexus-')) counts[client] = (counts[client] ?? 0) + 1 / answers;
  }
  return counts;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** As much of a statement as tells which it is. */
function toStart(query: string): string {
  return query.replaceAll(/\s+/g, ' ').slice(0, 120);
}
