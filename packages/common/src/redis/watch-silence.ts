import type { Redis } from 'ioredis';

/** Half-open connections answer nothing and fail nothing: a ping that stays unanswered this long ends the connection. */
const pingEveryMs = 5_000;
const pingTimeoutMs = 5_000;

/** Ends, from time to time, those of the connections that do not answer; they reconnect. Returns how to stop. */
export function watchSilence(connections: () => Redis[]): () => void {
  const watchdog = setInterval(() => {
    for (const redis of connections()) void dropWhenSilent(redis);
  }, pingEveryMs).unref();
  return () => clearInterval(watchdog);
}

async function dropWhenSilent(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return;
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<'silent'>((resolve) => {
    timer = setTimeout(resolve, pingTimeoutMs, 'silent').unref();
  });
  // A ping that `commandTimeout` ends was not answered either.
  const toAnswer = ({ message }: Error) => (message === 'Command timed out' ? 'silent' : 'error');
  const answer = await Promise.race([redis.ping().catch(toAnswer), silence]);
  clearTimeout(timer);
  if (answer === 'silent' && redis.status === 'ready') redis.disconnect(true);
}
