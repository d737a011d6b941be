import { createHash } from 'node:crypto';
import { Command } from 'ioredis';
import type { Redis } from './redis-connection.ts';

/**
 * A Lua script as a function of its keys and arguments. Redis gets the script's text only if it does not have it. ioredis' `defineCommand` does the
 * same, but spends more CPU on each call than the call itself needs.
 */
export function createScript<Reply>(redis: Redis, lua: string): (keys: string[], args: string[]) => Promise<Reply> {
  const sha = createHash('sha1').update(lua).digest('hex');

  function send(name: string, script: string, keys: string[], args: string[]): Promise<Reply> {
    const command = new Command(name, [], { replyEncoding: 'utf8' });
    command.args = [script, String(keys.length), ...keys, ...args]; // all are strings: skip the constructor's copies and checks
    return redis.sendCommand(command) as Promise<Reply>;
  }

  return async (keys, args) => {
    try {
      return await send('evalsha', sha, keys, args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return send('eval', lua, keys, args);
    }
  };
}
