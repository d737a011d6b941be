import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that may wait. HTTP libraries send the next after the answer; those that do not are far below this. */
const maxWaiting = 128;

/** A connection with a request that is being answered, and those that came after it. */
type Turns = (readonly [IncomingMessage, ServerResponse])[];

/**
 * Answers the requests of a connection one after the other: the next begins when the answer before it has been handed to the system or the
 * connection is closed. Node would begin with all that a client sends without waiting (HTTP pipelining), and hold every answer in memory
 * until those before it are read. While requests wait nothing more is read; a client that still gets too many in is disconnected.
 */
export function answerInTurn(listener: RequestListener): RequestListener {
  const busy = new WeakMap<Socket, Turns>();

  function begin(request: IncomingMessage, response: ServerResponse): void {
    response.once('close', () => next(request.socket));
    listener(request, response);
  }

  function next(socket: Socket): void {
    const waiting = socket.destroyed ? undefined : busy.get(socket)?.shift();
    if (!waiting) return void busy.delete(socket);
    if (busy.get(socket)?.length === 0) socket.resume();
    begin(...waiting);
  }

  return (request, response) => {
    const { socket } = request;
    const waiting = busy.get(socket);
    if (!waiting) {
      busy.set(socket, []);
      begin(request, response);
      return;
    }
    waiting.push([request, response]);
    if (waiting.length > maxWaiting) socket.destroy();
    else socket.pause();
  };
}
