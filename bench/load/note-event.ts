import { type InvocationEvent, isLastEvent } from '@nexus/protocol/event';
import type { PendingAnswer } from './answer.ts';

/** What an event of the system means for the answer that it belongs to, on every transport. */
export function noteEvent(answer: PendingAnswer | undefined, event: InvocationEvent): void {
  if (event.type === 'message.delta') answer?.text(event.data.text);
  else if (event.type === 'invocation.completed') answer?.ended();
  else if (event.type === 'invocation.snapshot' && event.data.status === 'completed') {
    answer?.whole(event.data.text); // the end may come as one, where Postgres knows of it first
    answer?.ended();
  } else if (isLastEvent(event) || event.type === 'invocation.restarted') answer?.failed(event);
}
