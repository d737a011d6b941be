import type { NewEvent } from '@nexus/protocol/event';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestRedis, type TestRedis } from '../../../../tests/support/open-test-redis.ts';
import { openRedis, waitForRedis } from '../redis/open-redis.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { createEventAppender, type EventAppender, LogLost } from './append-events.ts';
import { parseEvent, stringifyEvent } from './event-json.ts';
import { cancelKey, eventsChannel, logKey } from './event-log-names.ts';
import { joinDeltas, readLastSeq, readLog } from './read-log.ts';

const quiet = { warn() {}, info() {} };
const delta = (text: string): NewEvent => ({ type: 'message.delta', data: { text } });
const ended: NewEvent = { type: 'invocation.cancelled', data: { messageId: null, contentSha256: null } };

describe('the event log', () => {
  let server: TestRedis;
  let connection: ReturnType<typeof openRedis>;
  let redis: Redis;
  let appender: EventAppender;
  let count = 0;
  const address = () => ({ conversationId: `c${++count}`, invocationId: `i${count}` });

  beforeAll(async () => {
    server = await openTestRedis();
    connection = openRedis(server.url, 'commands', { name: 'test', logger: quiet });
    redis = connection.redis;
    await waitForRedis(redis, 5_000);
    appender = createEventAppender(redis);
  });
  afterAll(async () => {
    await connection.close();
    await server.close();
  });

  it('numbers events from 1 without a gap and gives them back in order', async () => {
    const at = address();
    expect(await appender.append(at, 1, [delta('a'), delta('b')], -1)).toEqual({ seq: 2, cancelWanted: false });
    expect(await appender.append(at, 1, [delta('c')], 2)).toEqual({ seq: 3, cancelWanted: false });
    const { events } = await readLog(redis, at, 0);
    expect(events.map((event) => [event.seq, event.type, event.data])).toEqual([
      [1, 'message.delta', { text: 'a' }],
      [2, 'message.delta', { text: 'b' }],
      [3, 'message.delta', { text: 'c' }],
    ]);
    expect(events[0]).toMatchObject(at);
  });

  it('publishes exactly what it appended', async () => {
    const at = address();
    const heard: string[] = [];
    const listener = openRedis(server.url, 'blocking', { name: 'listener', logger: quiet });
    listener.redis.on('message', (_channel, payload: string) => heard.push(payload));
    await listener.redis.subscribe(eventsChannel(at.conversationId));
    await appender.append(at, 1, [delta('"quoted" \n ü 🦙')], -1);
    await expect.poll(() => heard.length).toBe(1);
    const [published = ''] = heard;
    expect(JSON.parse(published)).toEqual((await readLog(redis, at, 0)).events[0]);
    const otherwise = `${published.slice(0, -1)} }`; // only JSON with a known head is passed on unchanged
    expect(stringifyEvent(parseEvent(otherwise))).toBe(otherwise);
    await listener.close();
  });

  it('refuses an older attempt once a newer one has spoken', async () => {
    const at = address();
    await appender.append(at, 2, [delta('new')], -1);
    await expect(appender.append(at, 1, [delta('old')], -1)).rejects.toMatchObject({ code: 'claim_lost' });
    expect(await readLastSeq(redis, at)).toBe(1);
  });

  it('takes nothing after a terminal event', async () => {
    const at = address();
    await appender.append(at, 1, [delta('a'), ended], -1);
    await expect(appender.append(at, 1, [delta('b')], 2)).rejects.toMatchObject({ code: 'claim_lost' });
    await expect(appender.append(at, 2, [ended], -1)).rejects.toMatchObject({ code: 'claim_lost' });
  });

  it('tells the writer that a cancel is wanted', async () => {
    const at = address();
    await redis.set(cancelKey(at.conversationId, at.invocationId), '1');
    expect(await appender.append(at, 1, [delta('a')], -1)).toEqual({ seq: 1, cancelWanted: true });
    expect(await appender.append(at, 1, [delta('b')], 1)).toEqual({ seq: 2, cancelWanted: true });
  });

  it('notices that the log was lost, and goes on at the same seq once it is restored', async () => {
    const at = address();
    await appender.append(at, 1, [delta('a'), delta('b')], -1);
    await redis.del(logKey(at.conversationId, at.invocationId));
    await expect(appender.append(at, 1, [delta('c')], 2)).rejects.toThrow(LogLost);
    await appender.restore(at, 1, 2, { text: 'ab', reasoning: '' });
    expect((await appender.append(at, 1, [delta('c')], 2)).seq).toBe(3);
    const { events } = await readLog(redis, at, 0);
    expect(events.map((event) => [event.seq, event.type])).toEqual([
      [2, 'invocation.snapshot'],
      [3, 'message.delta'],
    ]);
  });

  it('tells each of those who append together what became of theirs', async () => {
    const [goesOn, first, closed, lost, wanted] = [address(), address(), address(), address(), address()];
    const begun = [goesOn, closed, lost, wanted];
    await Promise.all(begun.map((at) => appender.append(at, 1, [delta('a')], -1)));
    await appender.append(closed, 1, [ended], 1);
    await redis.del(logKey(lost.conversationId, lost.invocationId));
    await redis.set(cancelKey(wanted.conversationId, wanted.invocationId), '1');

    const together = await Promise.allSettled([
      appender.append(goesOn, 1, [delta('b'), delta('c')], 1),
      appender.append(first, 1, [delta('a')], -1),
      appender.append(closed, 1, [delta('b')], 2),
      appender.append(lost, 1, [delta('b')], 1),
      appender.append(wanted, 1, [delta('b')], 1),
    ]);
    expect(together).toEqual([
      { status: 'fulfilled', value: { seq: 3, cancelWanted: false } },
      { status: 'fulfilled', value: { seq: 1, cancelWanted: false } },
      { status: 'rejected', reason: expect.objectContaining({ code: 'claim_lost' }) },
      { status: 'rejected', reason: expect.objectContaining({ seq: 0 }) },
      { status: 'fulfilled', value: { seq: 2, cancelWanted: true } },
    ]);
    const onward = [goesOn, first].map((at, which) => appender.append(at, 1, [delta('d')], [3, 1][which] ?? 0));
    expect(await Promise.all(onward)).toEqual([
      { seq: 4, cancelWanted: false },
      { seq: 2, cancelWanted: false },
    ]);
  });

  it('lets the log outlive its end by the shorter expiry', async () => {
    const at = address();
    await appender.append(at, 1, [delta('a')], -1);
    const live = await redis.pttl(logKey(at.conversationId, at.invocationId));
    await appender.append(at, 1, [ended], 1);
    const over = await redis.pttl(logKey(at.conversationId, at.invocationId));
    expect(live).toBeGreaterThan(3_600_000);
    expect(over).toBeGreaterThan(0);
    expect(over).toBeLessThanOrEqual(15 * 60_000);
  });

  it('joins neighbouring deltas of one kind and leaves everything else', async () => {
    const at = address();
    const thought: NewEvent = { type: 'reasoning.delta', data: { text: 'hm' } };
    await appender.append(at, 1, [delta('a'), delta('b'), thought, delta('c'), ended], -1);
    const joined = joinDeltas((await readLog(redis, at, 0)).events);
    expect(joined.map((event) => [event.seq, event.type])).toEqual([
      [2, 'message.delta'],
      [3, 'reasoning.delta'],
      [4, 'message.delta'],
      [5, 'invocation.cancelled'],
    ]);
    expect(joined[0]?.data).toEqual({ text: 'ab' });
  });
});
