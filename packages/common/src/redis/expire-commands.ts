import type { Command, Redis } from 'ioredis';

const looksPerLimit = 10;

/** ioredis' queue of sent commands without an answer, in order. Each new connection has a new queue. */
type Sent = { length: number; peekAt(at: number): Item | undefined; peekBack(): Item | undefined };
type Item = { command: Command };

/**
 * Rejects commands that Redis has not answered within the limit, or up to a tenth of it later. The option `commandTimeout` does the same with a
 * timer for each command, which costs more than sending the command. Replies come in the order of the commands. So if the command that was last at
 * one check is still unanswered one limit later, it and all before it have waited that long. Only for connections that do not send commands again
 * after a reconnect. Returns a function that stops it.
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
