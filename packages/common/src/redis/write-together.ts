import type { Writable } from 'node:stream';
import type { Redis } from 'ioredis';
import { atEndOfTurn } from '../timing/at-end-of-turn.ts';

/**
 * What a connection is told in one turn of the event loop leaves in one write, at the turn's end: under load the system call is the
 * dearest part of a short command, and Redis in turn answers many at once.
 */
export function writeTogether(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  let corked: Writable | undefined;
  redis.sendCommand = (command, stream) => {
    const connection = (redis as unknown as { stream?: Writable }).stream;
    if (connection && connection !== corked) {
      corked = connection;
      connection.cork();
      atEndOfTurn(() => {
        if (corked === connection) corked = undefined;
        connection.uncork();
      });
    }
    return send(command, stream);
  };
}
