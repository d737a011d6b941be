import type { Writable } from 'node:stream';
import type { Redis } from './open-redis.ts';

const corked = new WeakSet<Writable>();

/**
 * What is sent to Redis in one turn of the event loop from now on leaves in one write, at the turn's end: under load the system call
 * is the dearest part of a short command, and Redis in turn answers and publishes many at once.
 */
export function writeTogether(redis: Redis): void {
  const { stream } = redis as { stream?: Writable };
  if (!stream || corked.has(stream)) return;
  corked.add(stream);
  stream.cork();
  setImmediate(() => {
    corked.delete(stream);
    stream.uncork();
  });
}
