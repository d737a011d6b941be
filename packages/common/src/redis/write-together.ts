import type { Writable } from 'node:stream';
import type { Redis } from 'ioredis';
import { atEndOfTurn } from '../timing/at-end-of-turn.ts';

/**
 * Commands of one turn of the event loop leave in one write at the turn's end: under load the system call is the dearest part of a short
 * command, and Redis answers many at once. ioredis' own `enableAutoPipelining` costs a quarter more than this (decision 0011). Relies on
 * `sendCommand` as the way of every command, and on the property `stream`.
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
