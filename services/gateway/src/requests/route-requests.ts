import type { Acknowledgement, SocketError } from '@nexus/protocol/socket-events';
import type { Answerer } from './answer-request.ts';
import { maxWaiting, RequestTurns } from './request-turns.ts';

const tooMany: SocketError = {
  code: 'too_many_subscriptions',
  message: `Too many requests at once: at most ${maxWaiting} requests of one socket may wait`,
};

/**
 * A listener for `onAny`, one for all sockets. It gives each request to the answerer of its name, when its turn comes. Requests named `overtaking`
 * do not wait for others. An unknown name is answered with the known ones. The last argument is the acknowledgement, however many come before it.
 */
export function routeRequests<Asker extends { data: { turns: RequestTurns | undefined } }>(
  answerers: Record<string, Answerer<Asker>>,
  overtaking: string,
): (this: Asker, name: string, ...args: unknown[]) => void {
  const known = new Map(Object.entries(answerers));
  const message = `expected one of ${[...known.keys()].join(', ')}`;
  const error: SocketError = {
    code: 'invalid_request',
    message: `name: ${message}`,
    fields: [{ field: 'name', message }],
  };

  return function (name, ...args) {
    const acknowledge = typeof args.at(-1) === 'function' ? (args.pop() as Acknowledgement<unknown>) : undefined;
    const answer = known.get(name);
    if (!answer) return acknowledge?.({ error });
    const { data } = this;
    data.turns ??= new RequestTurns(() => {
      data.turns = undefined;
    });
    if (!data.turns.take(() => answer.call(this, args[0], acknowledge), name === overtaking))
      acknowledge?.({ error: tooMany });
  };
}
