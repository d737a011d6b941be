import { randomUUID } from 'node:crypto';
import { createEventAppender } from '@nexus/common/events/append-events';
import { openDatabase } from '@nexus/common/postgres/open-database';
import { defaultWorkspaceId } from '@nexus/common/principals/default-workspace';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { serveCalls } from '../../processes/serve-calls.ts';

/** One of the parts everything is made of: what one operation costs after another, and here. */
export type Part = { wallUs: number; cpuUs: number };

const redisUrl = process.env.REDIS_URL ?? '';
const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
const appender = createEventAppender(redis);
const queue = new Queue('bench-raw', { connection: redis });
const { database } = openDatabase(process.env.DATABASE_URL ?? '', {
  poolSize: 1,
  name: 'bench-raw',
  logger: { warn() {} },
});
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
const address = { conversationId: randomUUID(), invocationId: randomUUID() };
const payload = JSON.stringify({ seq: 1, ...address, type: 'message.delta', data: { text: 'a word or two ' } });
const finished = { removeOnComplete: true, removeOnFail: true };

const parts: Record<string, (count: number) => Promise<void>> = {
  'Redis publish': (count) => oneByOne(count, () => redis.publish('bench-raw', payload)),
  'Redis script: append to the log and publish': (count) =>
    oneByOne(count, () =>
      appender.append(address, 1, [{ type: 'message.delta', data: { text: 'a word or two ' } }], -1),
    ),
  'BullMQ add': (count) => oneByOne(count, () => queue.add('job', { id: randomUUID() }, finished)),
  'BullMQ process, 16 at once': processJobs,
  'one Prisma insert': (count) =>
    oneByOne(count, () =>
      database.conversation.create({ data: { id: randomUUID(), workspaceId: defaultWorkspaceId, title: '' } }),
    ),
  'one pg insert': (count) =>
    oneByOne(count, () =>
      pool.query({
        name: 'insert',
        text: 'INSERT INTO conversation (id, workspace_id, title) VALUES ($1, $2, $3)',
        values: [randomUUID(), defaultWorkspaceId, ''],
      }),
    ),
};

async function oneByOne(count: number, operation: () => Promise<unknown>): Promise<void> {
  for (let index = 0; index < count; index += 1) await operation();
}

/** Those that `BullMQ add` left behind. */
async function processJobs(count: number): Promise<void> {
  let left = count;
  const done = Promise.withResolvers<void>();
  const worker = new Worker(
    'bench-raw',
    async () => {
      left -= 1;
      if (left === 0) done.resolve();
    },
    { connection: new Redis(redisUrl, { maxRetriesPerRequest: null }), concurrency: 16, ...finishedJobs },
  );
  await done.promise;
  await worker.close();
}

const finishedJobs = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } };

async function measure(name: string, count: number): Promise<Part> {
  const part = parts[name];
  if (!part) throw new Error(`there is no part ${name}`);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await part(count);
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return { wallUs: (wallMs * 1_000) / count, cpuUs: (user + system) / count };
}

serveCalls(Object.keys(parts), { measure: ({ name, count }: { name: string; count: number }) => measure(name, count) });
