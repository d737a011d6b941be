import type { InvocationEvent } from '@nexus/protocol/event';
import { describe, expect, it } from 'vitest';
import { joinDeltas } from './read-log.ts';

const ids = { conversationId: 'c', invocationId: 'i' };
const at = '2026-01-01T00:00:00.000Z';
const delta = (seq: number, text: string, type = 'message.delta') =>
  ({ seq, ...ids, type, at, data: { text } }) as InvocationEvent;
const started = { seq: 1, ...ids, type: 'invocation.started', at, data: { attempt: 1 } } as InvocationEvent;

describe('joined deltas', () => {
  it('say from which seq to which they go, and one that stands alone says only its own', () => {
    const joined = joinDeltas([
      started,
      delta(2, 'a'),
      delta(3, 'b'),
      delta(4, 'c'),
      delta(5, 'hm', 'reasoning.delta'),
      delta(6, 'd'),
    ]);
    expect(joined).toEqual([
      started,
      { ...delta(4, 'abc'), from: 2 },
      delta(5, 'hm', 'reasoning.delta'),
      delta(6, 'd'),
    ]);
  });

  it('do not reach over a hole', () => {
    expect(joinDeltas([delta(2, 'a'), delta(4, 'c')])).toEqual([delta(2, 'a'), delta(4, 'c')]);
  });
});
