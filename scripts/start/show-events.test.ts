import type { EventData, EventType, InvocationEvent } from '@nexus/protocol/event';
import { describe, expect, it } from 'vitest';
import { createShowEvents } from './show-events.ts';

const usage = { inputTokens: 1, outputTokens: 1, cachedTokens: 0, source: 'estimated' as const };
const completed = { messageId: null, finishReason: 'stop', usage, contentSha256: '' };
const snapshotOf = (status: 'running' | 'completed' | 'failed' | 'cancelled', text: string) => ({
  status,
  text,
  reasoning: '',
  upToSeq: 3,
  messageId: null,
  contentSha256: null,
  error: status === 'failed' ? { code: 'idle_timeout' as const, message: 'no part came', retryable: true } : null,
});

/** What the terminal has once these events came, and how the invocation ended. */
function show(...events: { [T in EventType]: [type: T, data: EventData[T]] }[EventType][]) {
  let written = '';
  const shown = createShowEvents((text) => {
    written += text;
  });
  for (const [index, [type, data]] of events.entries())
    shown.take({ conversationId: 'c', invocationId: 'i', seq: index + 1, at: '', type, data } as InvocationEvent);
  return { written, ended: shown.ended() };
}

describe('an answer on the terminal', () => {
  it('grows by its deltas and is over at the end', () => {
    const before = show(['message.delta', { text: 'Hello ' }], ['message.delta', { text: 'world' }]);
    expect(before).toEqual({ written: 'Hello world', ended: null });
    expect(show(['message.delta', { text: 'Hello' }], ['invocation.completed', completed])).toEqual({
      written: 'Hello',
      ended: { failure: null },
    });
  });

  it('is over at a snapshot of a completed invocation, which brings the text that is missing', () => {
    expect(
      show(['message.delta', { text: 'Hello ' }], ['invocation.snapshot', snapshotOf('completed', 'Hello world')]),
    ).toEqual({ written: 'Hello world', ended: { failure: null } });
    expect(show(['invocation.snapshot', snapshotOf('completed', 'Hello')]).written).toBe('Hello');
  });

  it('goes on after a snapshot of a running one', () => {
    expect(
      show(['invocation.snapshot', snapshotOf('running', 'Hello ')], ['message.delta', { text: 'world' }]),
    ).toEqual({ written: 'Hello world', ended: null });
  });

  it('begins again on a new line after a restart, and where a snapshot says something else', () => {
    const restarted = ['invocation.restarted', { attempt: 2, reason: 'worker_lost' }] as const;
    expect(show(['message.delta', { text: 'Hel' }], [...restarted], ['message.delta', { text: 'Hello' }]).written).toBe(
      'Hel\nHello',
    );
    expect(
      show(['message.delta', { text: 'Hel' }], ['invocation.snapshot', snapshotOf('completed', 'Bye')]).written,
    ).toBe('Hel\nBye');
  });

  it.each([
    ['invocation.snapshot', snapshotOf('failed', ''), 'it ended as failed (no part came)'],
    ['invocation.snapshot', snapshotOf('cancelled', ''), 'it ended as cancelled'],
    ['invocation.cancelled', { messageId: null, contentSha256: null }, 'it ended as cancelled'],
  ] as const)('says how it ended otherwise: %s', (type, data, failure) => {
    expect(show([type, data] as ['invocation.snapshot', EventData['invocation.snapshot']]).ended).toEqual({ failure });
  });
});
