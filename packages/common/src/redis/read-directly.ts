import type { Readable } from 'node:stream';
import type { Redis } from 'ioredis';

/**
 * Lets ioredis have what comes as it comes. It adds its listener by `prependListener`, which Node's streams do not take for one that reads: each
 * piece is put into the stream's buffer, and read out of it again on the next tick. Any listener added by `on` makes it go straight; a
 * connection with a `socketTimeout` has one already.
 */
export function readDirectly(redis: Redis): void {
  redis.on('connect', () => {
    (redis as unknown as { stream: Readable }).stream.on('data', () => {});
  });
}
