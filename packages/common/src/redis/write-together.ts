import type { Writable } from 'node:stream';
import type { Redis } from 'ioredis';
import { atEndOfTurn } from '../timing/at-end-of-turn.ts';

/**
 * All commands of one turn of the event loop leave the connection in one write, at the turn's end. Under load the system call is the largest cost
 * of a short command. Redis then answers many at once, too.
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
