import type { NewEvent } from '@nexus/protocol/event';

/** Keeps an event well under 64 KiB: JSON may need six bytes for one UTF-16 unit. */
const charactersPerEvent = 10_000;

export type PendingEvents = {
  /** Joins a delta to the event before it, if that is a delta of the same kind and has room. */
  add(event: NewEvent): void;
  /** Removes and returns all waiting events, in order. */
  take(): NewEvent[];
  size(): number;
  isOnlyDeltas(): boolean;
};

type Delta = Extract<NewEvent, { type: 'message.delta' | 'reasoning.delta' }>;

export function createPendingEvents(): PendingEvents {
  let events: NewEvent[] = [];

  function addDelta(type: Delta['type'], text: string): void {
    const last = events.at(-1);
    if (last?.type === type && last.data.text.length + text.length <= charactersPerEvent) last.data.text += text;
    else events.push({ type, data: { text } });
  }

  return {
    add(event) {
      if (!isDelta(event)) return void events.push(event);
      const { text } = event.data;
      if (text.length > charactersPerEvent) for (const piece of pieces(text)) addDelta(event.type, piece);
      else if (text !== '') addDelta(event.type, text);
    },
    take() {
      const taken = events;
      events = [];
      return taken;
    },
    size: () => events.length,
    isOnlyDeltas: () => events.every(isDelta),
  };
}

function isDelta(event: NewEvent): event is Delta {
  return event.type === 'message.delta' || event.type === 'reasoning.delta';
}

/** Cuts a long text, never between the halves of a surrogate pair. */
function* pieces(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + charactersPerEvent, text.length);
    const unit = text.charCodeAt(end - 1);
    if (end < text.length && unit >= 0xd800 && unit <= 0xdbff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}
