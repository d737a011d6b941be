import { createHash } from 'node:crypto';
import { Command } from 'ioredis';
import type { Redis } from './redis-connection.ts';

/**
 * A Lua script as a function of its keys and arguments; Redis is sent the script itself only when it does not have it. `defineCommand` of
 * ioredis does the same, for each call with more work than the call is.
 */
export function createScript<Reply>(redis: Redis, lua: string): (keys: string[], args: string[]) => Promise<Reply> {
  const sha = createHash('sha1').update(lua).digest('hex');

  function send(name: string, script: string, keys: string[], args: string[]): Promise<Reply> {
    const command = new Command(name, [], { replyEncoding: 'utf8' });
    command.args = [script, String(keys.length), ...keys, ...args]; // the constructor would copy and check them, and they are strings
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
