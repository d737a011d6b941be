import { workerChannel } from '../events/event-log-names.ts';
import type { Redis } from '../redis/redis-connection.ts';

/** A pub/sub message to a worker. It may be lost: the append script and the heartbeat report the same a little later. */
export type WorkerNudge = { cancel: string };

export async function nudgeWorker(redis: Redis, workerId: string, nudge: WorkerNudge): Promise<void> {
  await redis.publish(workerChannel(workerId), JSON.stringify(nudge));
}

/** Calls `listener` for every nudge to this worker. The subscription lives as long as the connection. */
export async function onWorkerNudge(
  subscriber: Redis,
  workerId: string,
  listener: (nudge: WorkerNudge) => void,
): Promise<void> {
  const channel = workerChannel(workerId);
  subscriber.on('message', (from: string, payload: string) => {
    if (from === channel) listener(JSON.parse(payload) as WorkerNudge);
  });
  await subscriber.subscribe(channel);
}
