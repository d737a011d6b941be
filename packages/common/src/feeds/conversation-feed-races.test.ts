import { type InvocationEvent, isLastEvent } from '@nexus/protocol/event';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createFakeLog, type FakeLog, textOf } from '../../../../tests/support/fake-log.ts';
import { type FeedEvent, wholeEvent } from '../events/event-json.ts';
import { type ConversationFeed, openConversationFeed } from './conversation-feed.ts';

const anHourMs = 3_600_000;
const notYet = -1;
const { signal: never } = new AbortController();

/** Several turns of the microtask queue: everything that needs no gate has run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await null;
}

/** Gates that the test opens by name. */
function createGates() {
  const waiting: { what: string; open(value?: unknown): void }[] = [];
  return {
    gate: (what: string) => new Promise((open) => void waiting.push({ what, open })),
    /** Opens the first gate of that name, which the code has already reached. */
    async open(what: string, times = 1): Promise<void> {
      for (let time = 0; time < times; time += 1) {
        const at = waiting.findIndex((each) => each.what === what);
        if (at < 0) throw new Error(`nothing waits for: ${what}; but for ${waiting.map((each) => each.what)}`);
        waiting.splice(at, 1)[0]?.open();
        await settle();
      }
    },
    async openAll(): Promise<void> {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        next.open();
        await settle();
      }
    },
  };
}

/** A client of one invocation that compares each event with the one before it. */
function createReader(invocationId: string, seen: InvocationEvent[]) {
  const reader = { seq: seen.length, text: textOf(seen), ends: seen.filter(isLastEvent).length };
  return {
    reader,
    take(heard: FeedEvent) {
      const event = wholeEvent(heard);
      if (event.invocationId !== invocationId) return;
      expect(reader.ends).toBe(0);
      if (event.type !== 'invocation.snapshot') expect(event.from ?? event.seq).toBe(reader.seq + 1);
      reader.seq = event.seq;
      if (event.type === 'message.delta') reader.text += event.data.text;
      if (event.type === 'invocation.snapshot') reader.text = event.data.text;
      if (isLastEvent(event)) reader.ends += 1;
    },
  };
}

function attach(feed: ConversationFeed, log: FakeLog, invocationId: string, at: number, signal = never) {
  const seen = log.eventsOf(invocationId).slice(0, at);
  const { reader, take } = createReader(invocationId, seen);
  const done = feed.attach(
    invocationId,
    seen.length,
    (missed) => {
      for (const event of missed) take(event);
      const stop = feed.onEvent(take);
      signal.addEventListener('abort', stop);
    },
    signal,
  );
  return { reader, done };
}

describe('a conversation feed, while it reads', () => {
  async function open({ begunAgoMs = anHourMs, written = 0 } = {}) {
    const gates = createGates();
    const log = createFakeLog('c', gates.gate);
    log.begin('i', begunAgoMs);
    log.sources.subscriptions.open = async () => {}; // no event arrives that was written before it
    for (let count = 0; count < written; count += 1) await log.append('i', 'message.delta');
    log.connected(true);
    const heard: number[] = [];
    const feed = await openConversationFeed('c', log.sources);
    const next = async () => {
      await log.append('i', 'message.delta');
      const event = log.eventsOf('i').at(-1);
      if (event) feed.hear(event);
      await settle();
    };
    return { ...gates, log, feed, next, heard };
  }

  it('hands on at once what is heard while a silence is looked into', async () => {
    const { feed, log, next, open: openGate } = await open();
    const { reader, done } = attach(feed, log, 'i', 0);
    await openGate('a read of the row begins');
    await openGate('a read of the row is answered');
    await openGate('a read of the log begins');
    await openGate('a read of the log is answered');
    await done;
    void feed.resync([]); // reads again, as a silence check does
    await openGate('a read of the row begins');
    await openGate('a read of the row is answered');
    await openGate('a read of the log begins'); // the log is empty now
    await next();
    expect(reader.seq).toBe(1);
    await openGate('a read of the log is answered');
    await next();
    expect(reader.seq).toBe(2);
    expect(log.late).toEqual([]);
  });

  it('reads again at once where more was heard meanwhile than it can put in order', async () => {
    const { feed, log, next, openAll, open: openGate } = await open({ begunAgoMs: notYet });
    const all: number[] = [];
    feed.onEvent(({ seq }) => void all.push(seq));
    await next();
    void feed.resync([]);
    await openGate('a read of the row begins');
    await openGate('a read of the row is answered');
    await openGate('a read of the log begins'); // as of the first event
    await log.append('i', 'message.delta'); // is published, and no subscriber receives it
    await next();
    await openGate('a read of the log is answered');
    expect(all).toEqual([1]);
    await openAll();
    expect(all).toEqual([1, 2, 3]);
  });

  it('attaches with one read, however much is heard while it reads', async () => {
    const { feed, log, next, open: openGate } = await open({ begunAgoMs: notYet });
    const { reader, done } = attach(feed, log, 'i', 0);
    await openGate('a read of the row begins');
    await openGate('a read of the row is answered');
    await openGate('a read of the log begins'); // the log is empty now
    for (let count = 0; count < 8; count += 1) await next();
    await openGate('a read of the log is answered');
    await done;
    expect([reader.seq, reader.text, log.reads(), log.late]).toEqual([8, textOf(log.eventsOf('i')), 1, []]);
  });

  it('gives those who are live what a reader found in the log before it was heard, without a second read', async () => {
    const { feed, log, next, openAll } = await open({ begunAgoMs: notYet });
    const live: number[] = [];
    feed.onEvent(({ seq }) => void live.push(seq));
    await next();
    await log.append('i', 'message.delta');
    const { reader, done } = attach(feed, log, 'i', 0);
    await openAll();
    await done;
    expect([live, reader.seq, log.reads()]).toEqual([[1, 2], 2, 1]);
  });

  it('reads once more for each who asks while a repair reads: it may have read too early for that one', async () => {
    const { feed, log, next, openAll, open: openGate } = await open({ begunAgoMs: notYet });
    const all: number[] = [];
    feed.onEvent(({ seq }) => void all.push(seq));
    await next();
    const first = feed.resync([]);
    await openGate('a read of the row begins');
    await openGate('a read of the row is answered');
    await openGate('a read of the log begins');
    await log.append('i', 'message.delta'); // lost with the connection
    const second = feed.resync([]); // and this is after it is back
    await openAll();
    await Promise.all([first, second]);
    expect([all, log.late]).toEqual([[1, 2], []]);
  });

  it('lets readers that are ahead of it wait for one read that all of them share', async () => {
    const { feed, log, next, openAll } = await open({ begunAgoMs: notYet });
    feed.onEvent(() => {});
    await next();
    for (let count = 0; count < 3; count += 1) await log.append('i', 'message.delta');
    const readers = [3, 4, 4].map((cursor) => attach(feed, log, 'i', cursor));
    await openAll();
    await Promise.all(readers.map(({ done }) => done));
    expect([readers.map(({ reader }) => reader.seq), log.late]).toEqual([[4, 4, 4], []]);
  });

  it('keeps a bounded number of events while it reads, and reads the rest at once', async () => {
    const { feed, log, next, openAll, open: openGate } = await open({ begunAgoMs: notYet });
    const { reader, done } = attach(feed, log, 'i', 0);
    await openGate('a read of the row begins');
    await openGate('a read of the row is answered');
    await openGate('a read of the log begins');
    for (let count = 0; count < 1_100; count += 1) await next();
    await openAll();
    await done;
    expect([reader.seq, log.reads(), log.late]).toEqual([1_100, 2, []]);
  });

  it('says that something came late where only the silence check found it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { feed, log, next, openAll } = await open({ begunAgoMs: notYet });
    await next();
    await log.append('i', 'message.delta');
    feed.checkSilence();
    await openAll();
    expect([feed.lastSeq('i'), log.late]).toEqual([1, []]);
    vi.advanceTimersByTime(3_000);
    feed.checkSilence();
    await openAll();
    expect([feed.lastSeq('i'), log.late]).toEqual([2, ['silence']]);
  });
});

describe('a conversation feed, whatever comes between its steps', () => {
  const invocation = fc.record({
    begunAgoMs: fc.constantFrom(anHourMs, notYet),
    before: fc.nat({ max: 3 }),
    after: fc.nat({ max: 6 }),
    ends: fc.boolean(),
  });
  const arrival = fc.record({ of: fc.nat({ max: 1 }), cursor: fc.nat({ max: 5 }), leaves: fc.boolean() });
  const plan = fc.record({
    invocations: fc.array(invocation, { minLength: 1, maxLength: 2 }),
    arrivals: fc.array(arrival, { minLength: 1, maxLength: 4 }),
    losses: fc.nat({ max: 2 }),
  });

  it('shows every reader each event once, in order and without a gap, and lets none wait for a silence', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, { invocations, arrivals, losses }) => {
        const log = createFakeLog('c', (what) => scheduler.schedule(Promise.resolve(), what));
        const ids = invocations.map((_, index) => `i${index}`);
        for (const [index, { begunAgoMs, before }] of invocations.entries()) {
          log.begin(`i${index}`, begunAgoMs);
          for (let count = 0; count < before; count += 1) await log.append(`i${index}`, 'message.delta');
        }
        log.connected(true); // from here on no event of this invocation is under way
        const feed = await openConversationFeed('c', log.sources);
        // A listener that attaches to nothing must get what began after the feed.
        const isOwed = (index: number) => invocations[index]?.begunAgoMs === notYet;
        const listeners = ids.map((id) => createReader(id, []));
        feed.onEvent((event) => {
          for (const [index, { take }] of listeners.entries()) if (isOwed(index)) take(event);
        });

        const readers: (ReturnType<typeof attach> & { id: string; gone: AbortController; settled: boolean })[] = [];
        scheduler.scheduleSequence(
          arrivals.map(({ of, cursor }) => async () => {
            const [id, gone] = [ids[of % ids.length] ?? '', new AbortController()];
            const reader = { ...attach(feed, log, id, cursor, gone.signal), id, gone, settled: false };
            readers.push(reader);
            reader.done.then(
              () => {
                reader.settled = true;
              },
              () => {},
            );
          }),
        );
        scheduler.scheduleSequence(
          arrivals.map(
            ({ leaves }, at) =>
              async () =>
                void (leaves && readers[at]?.gone.abort()),
          ),
        );
        for (const [index, { after, ends }] of invocations.entries()) {
          const types = Array.from({ length: after }, () => 'message.delta' as const);
          const all = ends ? [...types, 'invocation.completed' as const] : types;
          void (async () => {
            for (const type of all) {
              await scheduler.schedule(Promise.resolve(), 'the worker goes on');
              await log.append(ids[index] ?? '', type);
            }
          })();
        }
        scheduler.scheduleSequence(
          Array.from({ length: losses }, () => [
            async () => log.connected(false),
            async () => {
              log.connected(true);
              void feed.resync(ids);
            },
          ]).flat(),
        );
        await scheduler.waitIdle();

        expect(log.late).toEqual([]);
        for (const [index, { reader }] of listeners.entries()) {
          const known = feed.known() > 0 && feed.lastSeq(ids[index] ?? '') > 0;
          if (isOwed(index) && known) expect(reader.text).toBe(textOf(log.eventsOf(ids[index] ?? '')));
        }
        for (const { reader, id, gone, settled } of readers) {
          if (gone.signal.aborted) continue;
          expect(settled).toBe(true);
          const events = log.eventsOf(id);
          const end = events.at(-1);
          expect([reader.text, reader.ends]).toEqual([textOf(events), end && isLastEvent(end) ? 1 : 0]);
        }
        feed.close();
      }),
      { numRuns: 1_000 },
    );
  });
});
