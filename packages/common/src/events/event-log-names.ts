/** Whose log, and where. */
export type LogAddress = { conversationId: string; invocationId: string };

/** Braces make a hash tag: everything of one conversation lives on one node of a Redis Cluster. */
export function logKey(conversationId: string, invocationId: string): string {
  return `nexus:{${conversationId}}:log:${invocationId}`;
}

/** Present once a cancel was asked for, so that the next append of the running attempt hears of it; and once the log is closed. */
export function cancelKey(conversationId: string, invocationId: string): string {
  return `nexus:{${conversationId}}:cancel:${invocationId}`;
}

export function eventsChannel(conversationId: string): string {
  return `nexus:{${conversationId}}:events`;
}

/** Where one worker process hears nudges. */
export function workerChannel(workerId: string): string {
  return `nexus:worker:${workerId}`;
}
