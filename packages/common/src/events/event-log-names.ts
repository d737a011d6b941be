/** Names one log. */
export type LogAddress = { conversationId: string; invocationId: string };

/** The braces are a hash tag: all keys of a conversation are on one node of a Redis Cluster. */
export function logKey(conversationId: string, invocationId: string): string {
  return `nexus:{${conversationId}}:log:${invocationId}`;
}

/** The key exists after a cancel request, so that the next append of the running attempt reports it. It also exists when the log is closed. */
export function cancelKey(conversationId: string, invocationId: string): string {
  return `nexus:{${conversationId}}:cancel:${invocationId}`;
}

export function eventsChannel(conversationId: string): string {
  return `nexus:{${conversationId}}:events`;
}

/** The channel on which one worker process is notified. */
export function workerChannel(workerId: string): string {
  return `nexus:worker:${workerId}`;
}
