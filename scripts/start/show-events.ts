import { type EventError, type InvocationEvent, isLastEvent } from '@nexus/protocol/event';

export type ShowEvents = {
  /** The next event of the invocation, in order. */
  take(event: InvocationEvent): void;
  /** How the invocation ended, once it has: null is completed. */
  ended(): { failure: string | null } | null;
};

/**
 * Shows an answer on a terminal by the client's rule of docs/protocol.md: deltas are appended, `invocation.restarted` drops the text so
 * far, a snapshot replaces it. A terminal takes nothing back, so text that is not simply longer begins again on a new line.
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
