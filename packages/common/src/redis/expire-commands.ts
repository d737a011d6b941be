import type { Command, Redis } from 'ioredis';

const looksPerLimit = 10;

/** What a connection has sent and not heard of yet, in order. A connection that is made anew has a new one. */
type Sent = { length: number; peekAt(at: number): Item | undefined; peekBack(): Item | undefined };
type Item = { command: Command };

/**
 * Rejects what Redis has not answered within the limit, or a tenth of it later. The option `commandTimeout` does the same with a timer
 * for each command, which is dearer than to send the command. Replies come in the order of the commands: whatever was sent last at a look
 * and is not answered a limit later has waited as long, and so has all before it. For connections that do not send a command again once
 * they are new. Returns how to stop.
 */
export function expireCommands(redis: Redis, limitMs: number): () => void {
  const looks: { sent: Sent; newest: Command | undefined }[] = [];

  function look(): void {
    const { commandQueue: sent } = redis as unknown as { commandQueue: Sent };
    if (looks.length === looksPerLimit) {
      const before = looks.shift();
      if (before?.newest && !before.newest.isSettled && before.sent === sent) rejectThrough(before.newest, sent);
    }
    looks.push({ sent, newest: sent.peekBack()?.command });
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
