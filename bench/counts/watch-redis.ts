import { Redis } from 'ioredis';

/** A command that a client sent, with those that a script ran on its behalf. */
export type SeenCommand = { client: string; words: string[]; inner: string[] };

export type RedisWatch = { stop(): Promise<SeenCommand[]> };

/** Everything that Redis is told from now on, by the name of who says it. MONITOR slows Redis down: to count, not to measure. */
export async function watchRedis(url: string): Promise<RedisWatch> {
  const redis = new Redis(url);
  const monitor = await redis.monitor();
  const seen: (SeenCommand & { source: string })[] = [];
  monitor.on('monitor', (_time: string, words: string[], source: string) => {
    if (source === 'lua') seen.at(-1)?.inner.push((words[0] ?? '').toLowerCase());
    else seen.push({ source, client: '', words, inner: [] });
  });
  return {
    async stop() {
      const names = parseClientNames((await redis.client('LIST')) as string);
      monitor.disconnect();
      redis.disconnect();
      return seen.map(({ source, words, inner }) => ({ client: names.get(source) ?? '', words, inner }));
    },
  };
}

/** Addresses of clients, and what they call themselves. */
export function parseClientNames(list: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of list.split('\n')) {
    const found = /\baddr=(\S+).*? name=(\S*)/.exec(line);
    if (found?.[1]) names.set(found[1], found[2] ?? '');
  }
  return names;
}

/** Keys and channels of one conversation; those of queues have other names in their braces. */
const ofConversation = /^nexus:\{[0-9a-f-]{36}\}/;

/** Which calls wrote to a log and said so to those who watch, and what else their connection was told about a conversation. */
export function countFlushes(commands: SeenCommand[]): { flushes: number; roundTrips: number; entries: number } {
  const ofAnswers = commands.filter(
    ({ client, words }) => client.startsWith('nexus-worker') && words.some((word) => ofConversation.test(word)),
  );
  const flushes = ofAnswers.filter(({ words, inner }) => [words[0]?.toLowerCase(), ...inner].includes('xadd'));
  const entries = flushes.reduce((sum, { inner }) => sum + inner.filter((name) => name === 'xadd').length, 0);
  return { flushes: flushes.length, roundTrips: ofAnswers.length, entries };
}
