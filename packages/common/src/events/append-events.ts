import { isTerminalType, type NewEvent } from '@nexus/protocol/event';
import { AppError } from '../errors/app-error.ts';
import { createScript } from '../redis/create-script.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { type AppendCall, createAppendCalls } from './append-calls.ts';
import { toLogJson } from './event-json.ts';
import { cancelKey, eventsChannel, type LogAddress, logKey } from './event-log-names.ts';

/**
 * Restores a log that Redis lost: one entry, at the seq that the writer had reached, replaces all before it. It is not published, because clients
 * that have seen everything do not need it.
 *
 * KEYS  1 log
 * ARGV  1 attempt  2 the seq  3 expiry in ms  4 the entry's JSON, as in an append
 * Reply {last seq}, or {-1} if a newer attempt has written, or the log is already at that seq or higher.
 */
const restoreScript = `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last and (tonumber(last[2][2]) > tonumber(ARGV[1]) or last[2][4] == '1') then return {-1} end
if last and tonumber(string.sub(last[1], 3)) >= tonumber(ARGV[2]) then return {-1} end
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[1], '0-' .. ARGV[2], 'a', ARGV[1], 't', '0', 'e', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {tonumber(ARGV[2])}`;

/** How long a log lives after its last event, in milliseconds: while the invocation runs, and after its end. */
export type LogExpiry = { liveMs: number; endedMs: number };
export const standardLogExpiry: LogExpiry = { liveMs: 24 * 3_600_000, endedMs: 15 * 60_000 };

export type Appended = { seq: number; cancelWanted: boolean };

export class LogLost extends Error {
  /** The last seq that Redis still has. */
  readonly seq: number;
  constructor(seq: number) {
    super('the event log is not where its writer left it');
    this.seq = seq;
  }
}

export type EventAppender = {
  /**
   * Appends events in order; only the last may be terminal. `expectedSeq` is the seq that the caller's last append returned, or -1 if it has none.
   * Throws `claim_lost` if a newer attempt has written or a terminal event has closed the log, and LogLost if entries are missing.
   */
  append(address: LogAddress, attempt: number, events: NewEvent[], expectedSeq: number): Promise<Appended>;
  /** Replaces a lost log by a snapshot, as if it had `seq` events. Throws `claim_lost` like append. */
  restore(address: LogAddress, attempt: number, seq: number, snapshot: SnapshotData): Promise<void>;
};

/** The text and reasoning before the point at which a log was restored. */
export type SnapshotData = { text: string; reasoning: string };

export function createEventAppender(
  redis: Redis,
  { expiry = standardLogExpiry, onAppended }: { expiry?: LogExpiry; onAppended?: (events: NewEvent[]) => void } = {},
): EventAppender {
  const restoreLog = createScript<[number]>(redis, restoreScript);
  const call = createAppendCalls(redis);

  return {
    append(address, attempt, events, expectedSeq) {
      const { conversationId, invocationId } = address;
      const at = new Date().toISOString();
      const last = events.at(-1);
      const ends = last !== undefined && isTerminalType(last.type);
      const toAppend: AppendCall = {
        log: logKey(conversationId, invocationId),
        cancelFlag: cancelKey(conversationId, invocationId),
        channel: eventsChannel(conversationId),
        attempt,
        expectedSeq,
        expiryMs: ends ? expiry.endedMs : expiry.liveMs,
        entries: events.map(({ type, data }) => toLogJson(address, at, type, data)),
        ends,
      };
      return new Promise((resolve, reject) => {
        call(
          toAppend,
          (reply) => {
            if (reply.kind === 'over') return reject(new AppError('claim_lost'));
            if (reply.kind === 'lost') return reject(new LogLost(reply.seq));
            onAppended?.(events);
            resolve({ seq: reply.seq, cancelWanted: reply.cancelWanted });
          },
          reject,
        );
      });
    },
    async restore(address, attempt, seq, { text, reasoning }) {
      const data = {
        status: 'running',
        text,
        reasoning,
        upToSeq: seq,
        messageId: null,
        contentSha256: null,
        error: null,
      };
      const json = toLogJson(address, new Date().toISOString(), 'invocation.snapshot', data);
      const log = logKey(address.conversationId, address.invocationId);
      const [reply] = await restoreLog([log], [attempt, seq, expiry.liveMs, json].map(String));
      if (reply === -1) throw new AppError('claim_lost');
    },
  };
}
