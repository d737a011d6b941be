import type { Readable } from 'node:stream';
import type { Redis } from 'ioredis';

/**
 * Gives ioredis each chunk at once. ioredis adds its listener with `prependListener`, which does not switch Node's stream to flowing: each chunk
 * goes into the stream's buffer, and is read from there on the next tick. Any listener added with `on` makes chunks go directly. A connection with
 * a `socketTimeout` already has one.
 */
export function readDirectly(redis: Redis): void {
  redis.on('connect', () => {
    (redis as unknown as { stream: Readable }).stream.on('data', () => {});
  });
}
