import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InvocationEvent, NewEvent } from './event.ts';
import { fold, isNews, nothingShown, overlaps, type Shown } from './fold.ts';

const head = { conversationId: 'c', invocationId: 'i', at: '2026-01-01T00:00:00.000Z' };
const foldAll = (events: InvocationEvent[], from = nothingShown()): Shown => events.reduce(fold, from);

const text = fc.string({ maxLength: 5 });
const delta = fc.record({
  type: fc.constantFrom('message.delta' as const, 'reasoning.delta' as const),
  data: fc.record({ text }),
});
const attempt = fc.array(delta, { maxLength: 12 });
const end: fc.Arbitrary<NewEvent[]> = fc.constantFrom<NewEvent[]>(
  [],
  [{ type: 'invocation.cancelled', data: { messageId: 'm', contentSha256: 'h' } }],
  [
    {
      type: 'invocation.failed',
      data: {
        error: { code: 'idle_timeout', message: 'slow', retryable: true },
        messageId: null,
        contentSha256: null,
      },
    },
  ],
  [
    {
      type: 'invocation.completed',
      data: {
        messageId: 'm',
        finishReason: 'stop',
        usage: { inputTokens: 1, outputTokens: 2, cachedTokens: 0, source: 'provider' },
        contentSha256: 'h',
      },
    },
  ],
);

/** A log as the system writes one: perhaps queued, then attempts, each of which starts the answer anew, then perhaps an end. */
const logs = fc
  .tuple(fc.boolean(), fc.array(attempt, { maxLength: 3 }), end)
  .map(([queued, attempts, last]): InvocationEvent[] =>
    [
      ...(queued ? [{ type: 'invocation.queued', data: { position: 3 } } satisfies NewEvent] : []),
      ...attempts.flatMap((deltas, index): NewEvent[] => [
        ...(index > 0
          ? [{ type: 'invocation.restarted', data: { attempt: index + 1, reason: 'worker_lost' } } as const]
          : []),
        { type: 'invocation.started', data: { attempt: index + 1, provider: 'echo', model: 'echo' } },
        ...deltas,
      ]),
      ...last,
    ].map((event, index) => ({ ...head, seq: index + 1, ...event }) as InvocationEvent),
  );

/** Joins a delta with the one before it, wherever `joins` says so. */
function join(log: InvocationEvent[], joins: boolean[]): InvocationEvent[] {
  const joined: InvocationEvent[] = [];
  for (const [index, event] of log.entries()) {
    const before = joined.at(-1);
    if (event.type === 'message.delta' && before?.type === event.type && joins[index % joins.length])
      joined.splice(-1, 1, { ...event, data: { text: before.data.text + event.data.text } });
    else if (event.type === 'reasoning.delta' && before?.type === event.type && joins[index % joins.length])
      joined.splice(-1, 1, { ...event, data: { text: before.data.text + event.data.text } });
    else joined.push(event);
  }
  return joined;
}

function toSnapshot({ seq, status, text, reasoning, messageId, contentSha256, error }: Shown): InvocationEvent {
  return {
    ...head,
    seq,
    type: 'invocation.snapshot',
    data: { status, text, reasoning, upToSeq: seq, messageId, contentSha256, error },
  };
}

/** What a snapshot says. */
const carried = ({ attempt: _, position: __, finishReason: ___, usage: ____, ...rest }: Shown) => rest;

describe('the fold', () => {
  it('shows the same whichever neighbouring deltas were joined', () => {
    fc.assert(
      fc.property(logs, fc.array(fc.boolean(), { minLength: 1 }), (log, joins) => {
        expect(foldAll(join(log, joins))).toEqual(foldAll(log));
      }),
    );
  });

  it('shows the same from a snapshot in the middle as from the beginning', () => {
    fc.assert(
      fc.property(logs, fc.nat(), (log, at) => {
        const middle = at % (log.length + 1);
        const snapshot = toSnapshot(foldAll(log.slice(0, middle)));
        expect(carried(foldAll([snapshot, ...log.slice(middle)]))).toEqual(carried(foldAll(log)));
      }),
    );
  });

  it('changes nothing for an event that comes again', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const once = foldAll(log);
        expect(foldAll(log, { ...once })).toEqual(once);
      }),
    );
  });

  it('shows the same to the writer, whose events have no seq yet', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const written = log.map(({ type, data }) => ({ type, data }) as NewEvent).reduce(fold, nothingShown());
        expect({ ...written, seq: log.length }).toEqual(foldAll(log));
      }),
    );
  });

  it('drops the text at a restart, and keeps it at an end', () => {
    const log: NewEvent[] = [
      { type: 'invocation.started', data: { attempt: 1, provider: 'echo', model: 'echo' } },
      { type: 'message.delta', data: { text: 'dropped' } },
      { type: 'reasoning.delta', data: { text: 'dropped' } },
      { type: 'invocation.restarted', data: { attempt: 2, reason: 'worker_lost' } },
      { type: 'message.delta', data: { text: 'kept' } },
      { type: 'invocation.cancelled', data: { messageId: 'm', contentSha256: 'h' } },
    ];
    expect(log.reduce(fold, nothingShown())).toMatchObject({
      status: 'cancelled',
      attempt: 2,
      text: 'kept',
      reasoning: '',
      messageId: 'm',
      contentSha256: 'h',
    });
  });

  it('takes the seq of a snapshot as its cursor, even where that is lower', () => {
    const shown = foldAll([toSnapshot({ ...nothingShown(), seq: 3, text: 'abc' })], { ...nothingShown(), seq: 9 });
    expect(shown).toMatchObject({ seq: 3, text: 'abc' });
  });
});

describe('an event', () => {
  it('is news above the cursor, or as a snapshot', () => {
    expect(isNews(4, { seq: 5, type: 'message.delta' })).toBe(true);
    expect(isNews(5, { seq: 5, type: 'message.delta' })).toBe(false);
    expect(isNews(5, { seq: 5, type: 'invocation.snapshot' })).toBe(true);
  });

  it('overlaps the cursor if it joins what is shown with what is not', () => {
    const joined = { from: 3, seq: 6 };
    expect([2, 3, 5, 6].map((cursor) => overlaps(cursor, joined))).toEqual([false, true, true, false]);
    expect(overlaps(5, { seq: 6 })).toBe(false);
  });
});
