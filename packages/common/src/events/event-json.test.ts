import type { InvocationEvent } from '@nexus/protocol/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEvent, stringifyEvent, toLogJson } from './event-json.ts';

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
        const { conversationId, invocationId, type, at, data } = event;
        expect({ seq: event.seq, conversationId, invocationId, type, at, data }).toEqual(JSON.parse(json));
        expect(stringifyEvent(event)).toBe(json);
        expect(JSON.stringify(event)).toBe(json);
      }),
    );
  });

  it('goes on byte for byte, also where JSON could be written otherwise', () => {
    const json = published(1, { text: 'hi' }).replace('"hi"', ' "\\u0068i" ');
    expect(parseEvent(json).data).toEqual({ text: 'hi' });
    expect(stringifyEvent(parseEvent(json))).toBe(json);
  });

  it('is read whole where it is laid out otherwise', () => {
    const event = { type: 'message.delta', seq: 3, ...address, at, data: { text: 'hi' } } as InvocationEvent;
    const read = parseEvent(JSON.stringify(event));
    expect(read).toEqual(event);
    expect(JSON.parse(stringifyEvent(read))).toEqual(event);
  });

  it('is refused where it is no JSON', () => {
    expect(() => parseEvent('{"seq":1')).toThrow(SyntaxError);
  });
});
