import type { Command, Redis } from 'ioredis';

const looksPerLimit = 10;

/** What a connection has sent and not heard of yet, in order. */
type Sent = { length: number; peekAt(at: number): Item | undefined; peekBack(): Item | undefined };
type Item = { command: Command };

/**
 * Rejects what Redis has not answered within the limit, or a tenth of it later. The option `commandTimeout` does the same with a timer
 * for each command, which is dearer than to send the command. Replies come in the order of the commands: whatever was sent last at a look
 * and is not answered a limit later has waited as long, and so has all before it. Returns how to stop.
 */
export function expireCommands(redis: Redis, limitMs: number): () => void {
  const newest: (Command | undefined)[] = [];

  function look(): void {
    const sent = (redis as unknown as { commandQueue: Sent }).commandQueue;
    if (newest.length === looksPerLimit) {
      const waited = newest.shift();
      if (waited && !waited.isSettled) rejectThrough(waited, sent);
    }
    newest.push(sent.peekBack()?.command);
  }

  const timer = setInterval(look, limitMs / looksPerLimit).unref();
  return () => clearInterval(timer);
}

function rejectThrough(last: Command, sent: Sent): void {
  for (let at = 0; at < sent.length; at += 1) {
    const { command } = sent.peekAt(at) as Item;
    if (!command.isSettled) command.reject(new Error('Command timed out'));
    if (command === last) return;
  }
}
