import { createEventAppender, type EventAppender } from '@nexus/common/events/append-events';
import { logKey } from '@nexus/common/events/event-log-names';
import { readLog } from '@nexus/common/events/read-log';
import { openRedis, waitForRedis } from '@nexus/common/redis/open-redis';
import type { Redis } from '@nexus/common/redis/redis-connection';
import type { InvocationEvent, NewEvent } from '@nexus/protocol/event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestRedis, type TestRedis } from '../../../../tests/support/open-test-redis.ts';
import { waitUntil } from '../../../../tests/support/wait-until.ts';
import { type AnswerWriter, createAnswerWriter } from './answer-writer.ts';
import { createFlushClock } from './flush-clock.ts';

const quiet = { warn() {}, info() {} };
const delta = (text: string): NewEvent => ({ type: 'message.delta', data: { text } });
const cancelled: NewEvent = { type: 'invocation.cancelled', data: { messageId: null, contentSha256: null } };

describe('the answer writer', () => {
  let server: TestRedis;
  let connection: ReturnType<typeof openRedis>;
  let redis: Redis;
  let appender: EventAppender;
  let count = 0;
  beforeAll(async () => {
    server = await openTestRedis({ appendOnly: true });
    connection = openRedis(server.url, 'commands', { name: 'test', logger: quiet });
    redis = connection.redis;
    await waitForRedis(redis, 5_000);
    appender = createEventAppender(redis);
  });
  afterAll(async () => {
    await connection.close();
    await server.close();
  });

  type Told = { cancelWanted: number; claimLost: number; trouble: number };
  function open({
    attempt = 1,
    flushEveryMs = 0,
    through = appender,
    address = { invocationId: `i${++count}`, conversationId: `c${count}` },
  } = {}) {
    const told: Told = { cancelWanted: 0, claimLost: 0, trouble: 0 };
    const writer: AnswerWriter = createAnswerWriter(
      { ...address, attempt },
      {
        appender: through,
        redis,
        flushClock: createFlushClock(() => flushEveryMs),
        onCancelWanted: () => void told.cancelWanted++,
        onClaimLost: () => void told.claimLost++,
        onRedisTrouble: () => void told.trouble++,
      },
    );
    const log = async (): Promise<InvocationEvent[]> => (await readLog(redis, address, 0)).events;
    return { writer, address, told, log };
  }
  const textOf = (events: InvocationEvent[]) =>
    events.reduce(
      (text, event) =>
        event.type === 'message.delta'
          ? text + event.data.text
          : event.type === 'invocation.snapshot'
            ? event.data.text
            : text,
      '',
    );

  it('sends the first delta at once, and joins those that come while an append is under way', async () => {
    const { writer, log } = open();
    for (const letter of 'abcdef') writer.write(delta(letter));
    await waitUntil(async () => textOf(await log()) === 'abcdef', { what: 'the text' });
    expect((await log()).length).toBeLessThan(4);
  });

  it('goes on after an empty delta', async () => {
    const { writer, log } = open();
    writer.write(delta('a'));
    await waitUntil(async () => textOf(await log()) === 'a', { what: 'the first' });
    writer.write(delta(''));
    writer.write(delta('b'));
    await writer.end(cancelled, 1_000);
    expect(textOf(await log())).toBe('ab');
    expect((await log()).at(-1)?.type).toBe('invocation.cancelled');
  });

  it('appends nothing after it is abandoned, not even deltas that wait for the next flush', async () => {
    const { writer, log } = open({ flushEveryMs: 600 });
    writer.write(delta('a'));
    await waitUntil(async () => textOf(await log()) === 'a', { what: 'the first' });
    writer.write(delta('b'));
    writer.abandon();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(textOf(await log())).toBe('a');
  });

  it('collects deltas until the next flush', async () => {
    const { writer, log } = open({ flushEveryMs: 60 });
    for (let index = 0; index < 20; index += 1) {
      writer.write(delta('x'));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await waitUntil(async () => textOf(await log()).length === 20, { what: 'the text' });
    expect((await log()).length).toBeLessThanOrEqual(5);
  });

  it('keeps the order of deltas and everything else', async () => {
    const { writer, log } = open();
    writer.write({ type: 'invocation.started', data: { attempt: 1, provider: 'echo', model: 'echo' } });
    writer.write({ type: 'reasoning.delta', data: { text: 'hm' } });
    writer.write(delta('a'));
    writer.freeze();
    await writer.end(cancelled, 5_000);
    expect((await log()).map(({ type }) => type)).toEqual([
      'invocation.started',
      'reasoning.delta',
      'message.delta',
      'invocation.cancelled',
    ]);
    expect([writer.text, writer.reasoning]).toEqual(['a', 'hm']);
  });

  it('knows the seq of the terminal event before it is written', async () => {
    const { writer, log } = open();
    for (const letter of 'abc') {
      writer.write(delta(letter));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writer.located();
    const seq = writer.freeze();
    await writer.end(cancelled, 5_000);
    const last = (await log()).at(-1);
    expect([last?.type, last?.seq]).toEqual(['invocation.cancelled', seq]);
  });

  it('knows it also when it ends before its first append has returned', async () => {
    const { writer, address, log } = open();
    await appender.append(address, 0, [{ type: 'invocation.queued', data: { position: 1 } }], -1);
    writer.write(delta('all at once'));
    await writer.located();
    const seq = writer.freeze();
    await writer.end(cancelled, 5_000);
    expect((await log()).at(-1)).toMatchObject({ type: 'invocation.cancelled', seq });
    expect(seq).toBe(3);
  });

  it('keeps every event under 64 KiB, and never cuts a character in two', async () => {
    const { writer, log } = open();
    const text = '🦙'.repeat(30_001);
    writer.write(delta(text));
    await waitUntil(async () => textOf(await log()).length === text.length, { what: 'the text' });
    const events = await log();
    expect(textOf(events)).toBe(text);
    for (const event of events) {
      expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(65_536);
      if (event.type === 'message.delta') expect(event.data.text.isWellFormed()).toBe(true);
    }
  });

  it('stops when a newer attempt has appended', async () => {
    const first = open();
    first.writer.write(delta('a'));
    await waitUntil(async () => (await first.log()).length === 1, { what: 'the first event' });
    await appender.append(first.address, 2, [delta('newer')], -1);
    first.writer.write(delta('b'));
    await waitUntil(() => first.told.claimLost === 1, { what: 'the claim to be lost' });
    expect(textOf(await first.log())).toBe('anewer');
  });

  it('puts back a log that Redis lost, and goes on', async () => {
    const { writer, address, log } = open();
    writer.write(delta('abc'));
    await waitUntil(async () => (await log()).length === 1, { what: 'the first event' });
    await redis.del(logKey(address.conversationId, address.invocationId));
    writer.write(delta('def'));
    writer.freeze();
    await writer.end(cancelled, 5_000);
    const events = await log();
    expect(events.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'invocation.snapshot'],
      [2, 'message.delta'],
      [3, 'invocation.cancelled'],
    ]);
  });

  it('uses no seq twice when the log was lost between two attempts', async () => {
    const { writer, log } = open({ attempt: 2 });
    writer.write(delta('again'));
    await waitUntil(async () => textOf(await log()) === 'again', { what: 'the text' });
    expect((await log()).map(({ seq, type }) => [seq, type])).toEqual([
      [2_000_000, 'invocation.snapshot'],
      [2_000_001, 'message.delta'],
    ]);
  });

  it('loses and repeats nothing while Redis is away', async () => {
    const { writer, told, log } = open();
    writer.write(delta('before '));
    await waitUntil(async () => (await log()).length === 1, { what: 'the first event' });
    await server.stop();
    writer.write(delta('while '));
    await waitUntil(() => told.trouble > 0, { what: 'trouble' });
    writer.write(delta('away '));
    await server.start();
    await waitForRedis(redis, 5_000);
    const seq = writer.freeze();
    await writer.end(cancelled, 10_000);
    const events = await log();
    expect(textOf(events)).toBe('before while away ');
    expect(events.map((event) => event.seq)).toEqual(Array.from({ length: seq }, (_, index) => index + 1));
  });

  it('does not repeat an append whose reply was lost', async () => {
    let losing = true;
    const lossy: EventAppender = {
      restore: (...args) => appender.restore(...args),
      async append(...args) {
        const reply = await appender.append(...args);
        if (losing && args[3] >= 0) {
          losing = false;
          throw new Error('the connection broke after the script had run');
        }
        return reply;
      },
    };
    const { writer, log } = open({ through: lossy });
    writer.write(delta('a'));
    await waitUntil(async () => (await log()).length === 1, { what: 'the first event' });
    writer.write(delta('b'));
    await waitUntil(() => !losing, { what: 'the loss' });
    writer.write(delta('c'));
    await waitUntil(async () => textOf(await log()).endsWith('c'), { what: 'the text' });
    expect(textOf(await log())).toBe('abc');
  });

  it('gives up announcing after the limit', async () => {
    const broken: EventAppender = {
      append: () => Promise.reject(new Error('away')),
      restore: () => Promise.reject(new Error('away')),
    };
    const { writer } = open({ through: broken });
    writer.write(delta('a'));
    writer.freeze();
    const startedAt = performance.now();
    await writer.end(cancelled, 100);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
