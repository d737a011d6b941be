import { type FeedEvent, wholeEvent } from '@nexus/common/events/event-json';
import { createConversationFeeds } from '@nexus/common/feeds/conversation-feeds';
import { isLastEvent } from '@nexus/protocol/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeLog, type FakeLog, type Gate, textOf } from '../../../../tests/support/fake-log.ts';
import { createConversationRooms } from './conversation-rooms.ts';
import type { Cursors } from './subscription.ts';
import { WatchedConversations } from './watched-conversations.ts';

const notYet = -1;
const anHourMs = 3_600_000;
const conversationId = 'c';

/** A client that compares each event with the one before it, and the server's part of its socket. */
function openSocket(log: FakeLog, gate: Gate) {
  const shown = new Map<string, { seq: number; text: string; ended: boolean }>();
  const lost: unknown[] = [];
  const asked = new Set<string>();
  let joined = false;
  const showOf = (id: string) => {
    const entry = shown.get(id) ?? { seq: 0, text: '', ended: false };
    shown.set(id, entry);
    return entry;
  };
  const socket = {
    emit(_name: string, heard: FeedEvent) {
      const event = wholeEvent(heard);
      // An end that is announced after the row says so reaches the room of one that was told of nothing before it.
      if (!asked.has(event.invocationId) && isLastEvent(event)) return;
      const entry = showOf(event.invocationId);
      asked.add(event.invocationId);
      expect(entry.ended).toBe(false);
      if (event.type !== 'invocation.snapshot') expect(event.from ?? event.seq).toBe(entry.seq + 1);
      entry.seq = event.seq;
      entry.ended = isLastEvent(event);
      if (event.type === 'message.delta') entry.text += event.data.text;
      if (event.type === 'invocation.snapshot') entry.text = event.data.text;
    },
    join() {
      joined = true;
    },
    leave() {
      joined = false;
    },
  };
  const feeds = createConversationFeeds({
    ...log.sources,
    subscriptions: { ...log.sources.subscriptions, onReconnect() {} },
    loadPossiblyMissed: async () => [],
  });
  const rooms = createConversationRooms(feeds, (_room, event) => joined && socket.emit('', event));
  const watched = new WatchedConversations({ rooms, onLost: (_socket, _id, error) => lost.push(error) }, socket);
  let opened = 0;
  return {
    socket,
    shown,
    showOf,
    lost,
    watched,
    feeds,
    opened: () => opened,
    cursors: (): Cursors => Object.fromEntries([...shown].map(([id, { seq }]) => [id, seq])),
    /** As the gateway handles the request. */
    async subscribe(cursors: Cursors, onStart = () => {}): Promise<void> {
      const watch = await watched.open(conversationId, () => gate('the first look at the rows'));
      opened += 1;
      await gate('the rows are read');
      const ids = log.watchable(Object.keys(cursors));
      await gate('the rows are here');
      for (const id of ids) asked.add(id);
      watch.start(cursors, ids);
      onStart();
    },
    text: (id: string) => shown.get(id)?.text ?? '',
  };
}

const atOnce: Gate = async () => {};
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const behind = { writeBuffer: [{}, {}], transport: {} };
const drained = { writeBuffer: [], transport: {} };
const limits = { packets: 1, bytes: 1 };

async function openWatching({ written = 0 } = {}) {
  const log = createFakeLog(conversationId, atOnce);
  log.begin('i', anHourMs);
  const write = async (times = 1, id = 'i') => {
    for (let time = 0; time < times; time += 1) await log.append(id, 'message.delta');
    await settle();
  };
  await write(written);
  return { log, write, ...openSocket(log, atOnce) };
}

describe('a conversation that a socket subscribes to again', () => {
  it.each([
    ['no cursors', () => ({})],
    ['lower cursors', () => ({ i: 1 })],
    ['the same cursors', (cursors: Cursors) => cursors],
  ])('is sent on where the socket stands, with %s', async (_which, cursorsFor) => {
    const { log, write, subscribe, cursors, text, shown, feeds } = await openWatching({ written: 2 });
    await subscribe({});
    await settle();
    await write(2);
    const reads = log.reads();
    await subscribe(cursorsFor(cursors()));
    await settle();
    await write();
    expect([text('i'), shown.get('i')?.seq, log.reads() - reads]).toEqual([textOf(log.eventsOf('i')), 5, 0]);
    feeds.close();
  });

  it('goes on at a cursor that is further than what was sent', async () => {
    const { log, write, subscribe, showOf, feeds } = await openWatching();
    await subscribe({});
    await settle();
    log.connected(false); // this gateway has not received what the client read elsewhere
    await write(3);
    log.connected(true);
    Object.assign(showOf('i'), { seq: 3, text: textOf(log.eventsOf('i')) });
    await subscribe({ i: 3 });
    await settle();
    await write();
    expect(showOf('i')).toEqual({ seq: 4, text: textOf(log.eventsOf('i')), ended: false });
    feeds.close();
  });

  it('adds a finished invocation that the second names, though others have watched it meanwhile', async () => {
    const { log, write, subscribe, text, feeds } = await openWatching();
    const other = (await feeds.open(conversationId)).feed;
    log.begin('finished', notYet);
    await write(3, 'finished');
    await log.append('finished', 'invocation.completed');
    await settle();
    expect(other.hasEnded('finished')).toBe(true);
    await subscribe({});
    await settle();
    expect(text('finished')).toBe('');
    await subscribe({ finished: 0 });
    await settle();
    expect(text('finished')).toBe(textOf(log.eventsOf('finished')));
    feeds.close();
  });

  it('is sent anew after an unsubscribe, from the cursors of then', async () => {
    const { write, subscribe, watched, showOf, text, log, feeds } = await openWatching({ written: 2 });
    await subscribe({});
    await settle();
    watched.close(conversationId);
    await write();
    expect(showOf('i').seq).toBe(2);
    Object.assign(showOf('i'), { seq: 0, text: '' });
    await subscribe({});
    await settle();
    expect(text('i')).toBe(textOf(log.eventsOf('i')));
    feeds.close();
  });

  it('stays off live delivery while the client does not read, and has what the second named once it does', async () => {
    const { log, write, subscribe, watched, text, feeds } = await openWatching({ written: 1 });
    log.begin('finished', anHourMs);
    await write(2, 'finished');
    await log.append('finished', 'invocation.completed');
    await subscribe({});
    await settle();
    expect(watched.checkBuffer(behind, limits)).toBe(true);
    await write();
    await subscribe({ finished: 0 });
    await settle();
    expect([text('i'), text('finished')]).toEqual(['1 ', '']);
    watched.checkBuffer(drained, limits);
    await settle();
    await write();
    expect([text('i'), text('finished')]).toEqual([textOf(log.eventsOf('i')), textOf(log.eventsOf('finished'))]);
    feeds.close();
  });

  it('is sent all of an invocation that began between the look at the rows and the answer', async () => {
    const { log, write, watched, text, feeds } = await openWatching();
    const watch = await watched.open(conversationId, async () => {});
    const rows = log.watchable([]);
    log.begin('new', notYet);
    await write(1, 'new');
    watch.start({}, rows);
    await settle();
    await write(1, 'new');
    expect(text('new')).toBe(textOf(log.eventsOf('new')));
    feeds.close();
  });
});

describe('a socket that subscribes, unsubscribes and stops reading at random', () => {
  const step = fc.constantFrom('subscribe', 'subscribe anew', 'subscribe lower', 'unsubscribe', 'fall behind', 'read');
  const invocation = fc.record({
    begunAgoMs: fc.constantFrom(anHourMs, notYet),
    before: fc.nat({ max: 3 }),
    after: fc.nat({ max: 6 }),
    ends: fc.boolean(),
  });
  const plan = fc.record({
    invocations: fc.array(invocation, { minLength: 1, maxLength: 3 }),
    steps: fc.array(step, { maxLength: 8 }),
  });

  it('is sent each event once, in order and without a gap, and nothing late', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, { invocations, steps }) => {
        const gate: Gate = (what) => scheduler.schedule(Promise.resolve(), what);
        const log = createFakeLog(conversationId, gate);
        for (const [index, { begunAgoMs, before }] of invocations.entries()) {
          if (before === 0) continue;
          log.begin(`i${index}`, begunAgoMs);
          for (let count = 0; count < before; count += 1) await log.append(`i${index}`, 'message.delta');
        }
        log.connected(true); // from here on no event of this invocation is under way
        const client = openSocket(log, gate);
        const { watched } = client;
        let [standing, timesClosed] = [false, 0];
        const owed = new Set<string>();
        const subscribe = (cursors: Cursors) => {
          const closed = timesClosed;
          void client.subscribe(cursors, () => {
            standing ||= closed === timesClosed;
          });
        };
        const lower = () => Object.fromEntries(Object.entries(client.cursors()).map(([id, seq]) => [id, seq >> 1]));
        const perform: Record<string, () => void> = {
          subscribe: () => subscribe(client.cursors()),
          'subscribe anew': () => subscribe(standing ? {} : client.cursors()),
          'subscribe lower': () => subscribe(standing ? lower() : client.cursors()),
          unsubscribe() {
            watched.close(conversationId);
            [standing, timesClosed] = [false, timesClosed + 1];
          },
          'fall behind': () => void watched.checkBuffer(behind, limits),
          read: () => void watched.checkBuffer(drained, limits),
        };
        scheduler.scheduleSequence(['subscribe', ...steps].map((name) => async () => perform[name]?.()));
        for (const [index, { begunAgoMs, before, after, ends }] of invocations.entries()) {
          void (async () => {
            const id = `i${index}`;
            if (before === 0) {
              await gate(`${id} begins`);
              log.begin(id, client.opened() > 0 ? notYet : begunAgoMs);
              if (client.opened() > 0) owed.add(id);
            }
            for (let count = 0; count < after; count += 1) {
              await gate('the worker goes on');
              await log.append(id, 'message.delta');
            }
            if (ends) await log.append(id, 'invocation.completed');
          })();
        }
        await scheduler.waitIdle();
        watched.checkBuffer(drained, limits);
        await scheduler.waitIdle();

        if (timesClosed === 0) for (const id of owed) expect(client.text(id)).toBe(textOf(log.eventsOf(id)));
        const all = Object.fromEntries(invocations.map((_, index) => [`i${index}`, 0]));
        subscribe({ ...all, ...client.cursors() });
        await scheduler.waitIdle();
        for (const id in all) expect(client.text(id)).toBe(textOf(log.eventsOf(id)));
        expect([log.late, client.lost]).toEqual([[], []]);
        client.feeds.close();
      }),
      { numRuns: 1_000 },
    );
  });
});
