import { Redis } from 'ioredis';

/** A command that a client sent, with the commands of its script, if it runs one. */
export type SeenCommand = { client: string; words: string[]; inner: string[] };

export type RedisWatch = { stop(): Promise<SeenCommand[]> };

/** Records each command that Redis receives from now on, with its client's name. MONITOR slows Redis down: count with it, never time. */
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

/** The name of each client, by its address. */
export function parseClientNames(list: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of list.split('\n')) {
    const found = /\baddr=(\S+).*? name=(\S*)/.exec(line);
    if (found?.[1]) names.set(found[1], found[2] ?? '');
  }
  return names;
}

/** Keys and channels of a conversation. Those of a queue have the provider's name in their braces. */
const ofConversation = /^nexus:\{[0-9a-f-]{36}\}/;

/** Flushes are calls of workers that append to a log. Round trips are all calls of workers that name a conversation. */
export function countFlushes(commands: SeenCommand[]): { flushes: number; roundTrips: number; entries: number } {
  const ofAnswers = commands.filter(
    ({ client, words }) => client.startsWith('nexus-worker') && words.some((word) => ofConversation.test(word)),
  );
  const flushes = ofAnswers.filter(({ words, inner }) => [words[0]?.toLowerCase(), ...inner].includes('xadd'));
  const entries = flushes.reduce((sum, { inner }) => sum + inner.filter((name) => name === 'xadd').length, 0);
  return { flushes: flushes.length, roundTrips: ofAnswers.length, entries };
}
