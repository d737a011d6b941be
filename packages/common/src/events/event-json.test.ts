import { type EventType, type InvocationEvent, isLastEvent } from '@nexus/protocol/event';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  endsInvocation,
  type FeedEvent,
  type PublishedEvent,
  parseEvent,
  stringifyEvent,
  toLogJson,
} from './event-json.ts';

const address = {
  conversationId: '0198f0a0-0000-7000-8000-000000000001',
  invocationId: '0198f0a0-0000-7000-8000-000000000002',
};
const at = '2026-01-02T03:04:05.678Z';

const published = (seq: number, data: unknown) => `{"seq":${seq},${toLogJson(address, at, 'message.delta', data)}`;

describe('an event as it was published', () => {
  it('reads as it was written, whatever its text is, and goes on unchanged', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.string({ unit: 'binary' }), (seq, text) => {
        const json = published(seq, { text });
        const event = parseEvent(json);
        expect(event.read()).toEqual(JSON.parse(json));
        const { seq: readSeq, invocationId, type } = event;
        expect(event.read()).toMatchObject({ seq: readSeq, invocationId, type });
        expect(stringifyEvent(event)).toBe(json);
        expect(JSON.stringify(event)).toBe(json);
      }),
    );
  });

  it('goes on byte for byte, also where JSON could be written otherwise', () => {
    const json = published(1, { text: 'hi' }).replace('"hi"', ' "\\u0068i" ');
    expect(parseEvent(json).read().data).toEqual({ text: 'hi' });
    expect(stringifyEvent(parseEvent(json))).toBe(json);
  });

  it('is read whole where it is laid out otherwise', () => {
    const event = { type: 'message.delta', seq: 3, ...address, at, data: { text: 'hi' } } as InvocationEvent;
    const read = parseEvent(JSON.stringify(event));
    expect(read.read()).toEqual(event);
    expect(read).toMatchObject({ seq: 3, type: 'message.delta', invocationId: address.invocationId });
    expect(JSON.parse(stringifyEvent(read))).toEqual(event);
  });

  it.each([
    ['spread', (event: PublishedEvent) => ({ ...event })],
    ['structuredClone', (event: PublishedEvent) => structuredClone({ ...event })],
    ['Object.assign', (event: PublishedEvent) => Object.assign({}, event)],
  ])('loses nothing in a copy by %s, and none of its fields is there by type alone', (_name, copy) => {
    const json = published(5, { text: 'hi' });
    const copied = copy(parseEvent(json));
    expectTypeOf(copied).toExtend<{ seq: number; invocationId: string; type: EventType; json: string }>();
    expectTypeOf<Exclude<keyof typeof copied, 'read' | 'toJSON'>>().toEqualTypeOf<
      'seq' | 'invocationId' | 'type' | 'json'
    >();
    expect(copied).toEqual({ seq: 5, invocationId: address.invocationId, type: 'message.delta', json });
    expect(parseEvent(copied.json).read()).toEqual(JSON.parse(json));
  });

  it('does not let a listener use fields that have not been read', () => {
    const event: FeedEvent = parseEvent(published(5, { text: 'hi' }));
    // @ts-expect-error: data is read on demand
    expect(event.data).toBeUndefined();
    expect(structuredClone(event)).toEqual({ ...event });
    expectTypeOf<PublishedEvent>().not.toExtend<InvocationEvent>();
    expectTypeOf<FeedEvent>().not.toExtend<InvocationEvent>();
  });

  it('ends an invocation as the event that was read does', () => {
    const types = [
      'message.delta',
      'invocation.started',
      'invocation.completed',
      'invocation.failed',
      'invocation.cancelled',
    ] as const;
    const events = [
      ...types.map((type) => ({ type, data: {} })),
      ...['queued', 'running', 'completed'].map((status) => ({
        type: 'invocation.snapshot' as const,
        data: { status },
      })),
    ];
    for (const { type, data } of events) {
      const event = parseEvent(`{"seq":1,${toLogJson(address, at, type, data)}`);
      expect([type, endsInvocation(event)]).toEqual([type, isLastEvent(event.read())]);
      expect(endsInvocation(event.read())).toBe(isLastEvent(event.read()));
    }
  });

  it('is refused where it is no JSON', () => {
    expect(() => parseEvent('{"seq":1')).toThrow(SyntaxError);
  });
});
