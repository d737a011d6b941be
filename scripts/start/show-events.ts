import { type EventError, type InvocationEvent, isLastEvent } from '@nexus/protocol/event';

export type ShowEvents = {
  /** The next event of the invocation, in order. */
  take(event: InvocationEvent): void;
  /** How the invocation ended; null while it has not. `failure` is null if it completed. */
  ended(): { failure: string | null } | null;
};

/**
 * Shows an answer on a terminal by the rules of docs/protocol.md: append deltas, drop the text at `invocation.restarted`, replace it at a
 * snapshot. A terminal cannot erase, so text that does not continue the old text begins on a new line.
 */
export function createShowEvents(write: (text: string) => void): ShowEvents {
  let shown = '';
  let end: { failure: string | null } | null = null;

  function replace(text: string): void {
    const isLonger = text.startsWith(shown);
    write(isLonger ? text.slice(shown.length) : `\n${text}`);
    shown = text;
  }
  return {
    take(event) {
      if (end !== null) return;
      if (event.type === 'message.delta') replace(shown + event.data.text);
      if (event.type === 'invocation.restarted' && shown !== '') replace('');
      if (event.type === 'invocation.snapshot') replace(event.data.text);
      if (isLastEvent(event)) end = { failure: failureOf(event) };
    },
    ended: () => end,
  };
}

function failureOf(event: InvocationEvent): string | null {
  const status = event.type === 'invocation.snapshot' ? event.data.status : event.type.split('.')[1];
  if (status === 'completed') return null;
  const error: EventError | null = 'error' in event.data ? event.data.error : null;
  return `it ended as ${status}${error === null ? '' : ` (${error.message})`}`;
}
