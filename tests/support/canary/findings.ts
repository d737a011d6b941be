import type { Database } from '@nexus/common/postgres/open-database';
import { Redis } from 'ioredis';

/** A text that the system wrote, and where: `log api`, `postgres message.content`, `redis nexus:{}:log`, `http GET /api/agents`. */
export type Written = { place: string; text: string };

/** Every column of every table, a text each. */
export async function readTables(database: Database): Promise<Written[]> {
  const columns = await database.$queryRawUnsafe<{ table: string; column: string }[]>(
    `SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns WHERE table_schema = 'public'`,
  );
  const written: Written[] = [];
  for (const { table, column } of columns) {
    const [row] = await database.$queryRawUnsafe<{ text: string | null }[]>(
      `SELECT string_agg("${column}"::text, E'\\n') AS text FROM "${table}"`,
    );
    if (row?.text) written.push({ place: `postgres ${table}.${column}`, text: row.text });
  }
  return written;
}

/** Every key with all that it holds. */
export async function readKeys(redis: Redis): Promise<Written[]> {
  const written: Written[] = [];
  for (const key of await redis.keys('*'))
    written.push({ place: `redis ${toPlace(key)}`, text: `${key} ${JSON.stringify(await readKey(redis, key))}` });
  return written;
}

async function readKey(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  if (type === 'string') return redis.get(key);
  if (type === 'hash') return redis.hgetall(key);
  if (type === 'list') return redis.lrange(key, 0, -1);
  if (type === 'set') return redis.smembers(key);
  if (type === 'zset') return redis.zrange(key, '0', '-1', 'WITHSCORES');
  if (type === 'stream') return redis.xrange(key, '-', '+');
  return type;
}

/** Without the ids in it. */
export function toPlace(name: string): string {
  return name.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '').replaceAll(/\d+/g, '');
}

/** Each command that Redis was sent from now on: what was in a key for a moment is here as well. MONITOR itself hides passwords. */
export async function watchCommands(url: string): Promise<{ written(): Written[]; stop(): void }> {
  const commands: Written[] = [];
  const connection = new Redis(url);
  const monitor = await connection.monitor();
  monitor.on('monitor', (_time: string, words: string[]) => {
    const names = words.flatMap((word) => /^nexus:\S*$/.exec(word)?.[0] ?? []).map(toPlace);
    commands.push({ place: `command ${names[0] ?? words[0]?.toLowerCase()}`, text: words.join(' ') });
  });
  return {
    written: () => commands,
    stop() {
      monitor.disconnect();
      connection.disconnect();
    },
  };
}
