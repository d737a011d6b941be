import type { Redis } from 'ioredis';

/** A half-open connection neither answers nor fails. If a ping has no answer for this long, the connection is ended. */
const pingEveryMs = 5_000;
const pingTimeoutMs = 5_000;

/** Checks the connections at intervals and ends those that do not answer; they reconnect. Returns a function that stops it. */
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
