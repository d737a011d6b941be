import { AppError } from './app-error.ts';
import { type EventType, isTerminalType, type NewEvent } from './event.ts';
import { cancelKey, eventsChannel, logKey } from './event-log-names.ts';
import type { Redis } from './open-redis.ts';
import { writeTogether } from './write-together.ts';

/**
 * Appends to an invocation's log and publishes what it appended, fenced by the attempt, in one call.
 *
 * KEYS  1 log  2 cancel flag
 * ARGV  1 channel  2 attempt  3 expected last seq (-1: whatever is there)  4 expiry in ms
 *       then for each event: whether it is terminal (0|1), its JSON without the opening brace
 * Reply {last seq, cancel wanted 0|1}; negative first element: -1 a newer attempt has spoken or the log is closed, -2 the log is
 * not where the caller left it (Redis lost it).
 *
 * An entry holds the attempt `a`, whether it is terminal `t`, and the event `e` without its seq, which is the entry's id.
 */
const appendScript = `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local seq = 0
if last then
  seq = tonumber(string.sub(last[1], 3))
  local fields = last[2]
  if tonumber(fields[2]) > tonumber(ARGV[2]) or fields[4] == '1' then return {-1, 0} end
end
local expected = tonumber(ARGV[3])
if expected >= 0 and expected ~= seq then return {-2, seq} end
for i = 5, #ARGV, 2 do
  seq = seq + 1
  redis.call('XADD', KEYS[1], '0-' .. string.format('%d', seq), 'a', ARGV[2], 't', ARGV[i], 'e', ARGV[i + 1])
  redis.call('PUBLISH', ARGV[1], '{"seq":' .. string.format('%d', seq) .. ',' .. ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {seq, redis.call('EXISTS', KEYS[2])}`;

/**
 * Gives a log that Redis lost its place back: one entry, at the seq the writer had reached, that stands for all before it.
 * It is not published: clients that had seen everything need nothing. Same keys and arguments, ARGV 3 the seq, ARGV 5 the JSON.
 */
const restoreScript = `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last and (tonumber(last[2][2]) > tonumber(ARGV[2]) or last[2][4] == '1') then return {-1, 0} end
if last and tonumber(string.sub(last[1], 3)) >= tonumber(ARGV[3]) then return {-1, 0} end
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[1], '0-' .. ARGV[3], 'a', ARGV[2], 't', '0', 'e', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {tonumber(ARGV[3]), 0}`;

/** How long a log outlives its last event: while the invocation goes on, and once it has ended. Milliseconds. */
export type LogExpiry = { liveMs: number; endedMs: number };
export const standardLogExpiry: LogExpiry = { liveMs: 24 * 3_600_000, endedMs: 15 * 60_000 };

export type LogAddress = { conversationId: string; invocationId: string };

export type Appended = { seq: number; cancelWanted: boolean };

type ScriptRedis = Redis & {
  nexusAppend(...args: (string | number)[]): Promise<[number, number]>;
  nexusRestore(...args: (string | number)[]): Promise<[number, number]>;
};

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
   * Appends events in order. `expectedSeq` is the seq the caller's last append returned, -1 when it has none.
   * Throws `claim_lost` once a newer attempt has spoken or a terminal event closed the log, LogLost when entries are missing.
   */
  append(address: LogAddress, attempt: number, events: NewEvent[], expectedSeq: number): Promise<Appended>;
  /** Puts a snapshot in the place of a lost log, as if it had `seq` events. Throws `claim_lost` like append. */
  restore(address: LogAddress, attempt: number, seq: number, snapshot: SnapshotData): Promise<void>;
};

/** What a restored log says of everything before it. */
export type SnapshotData = { text: string; reasoning: string };

export function createEventAppender(
  redis: Redis,
  { expiry = standardLogExpiry, onAppended }: { expiry?: LogExpiry; onAppended?: (events: NewEvent[]) => void } = {},
): EventAppender {
  redis.defineCommand('nexusAppend', { numberOfKeys: 2, lua: appendScript });
  redis.defineCommand('nexusRestore', { numberOfKeys: 2, lua: restoreScript });
  const scripts = redis as ScriptRedis;

  function headOf({ conversationId, invocationId }: LogAddress, attempt: number, seq: number, expiryMs: number) {
    return [
      logKey(conversationId, invocationId),
      cancelKey(conversationId, invocationId),
      eventsChannel(conversationId),
      attempt,
      seq,
      expiryMs,
    ];
  }

  return {
    async append(address, attempt, events, expectedSeq) {
      const at = new Date().toISOString();
      const ends = events.some((event) => isTerminalType(event.type));
      const args: (string | number)[] = headOf(address, attempt, expectedSeq, ends ? expiry.endedMs : expiry.liveMs);
      for (const event of events)
        args.push(isTerminalType(event.type) ? 1 : 0, toLogJson(address, at, event.type, event.data));
      writeTogether(redis);
      const [seq, second] = await scripts.nexusAppend(...args);
      if (seq === -1) throw new AppError('claim_lost');
      if (seq === -2) throw new LogLost(second);
      onAppended?.(events);
      return { seq, cancelWanted: second === 1 };
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
      const [reply] = await scripts.nexusRestore(...headOf(address, attempt, seq, expiry.liveMs), json);
      if (reply === -1) throw new AppError('claim_lost');
    },
  };
}

/** The envelope as JSON, without its opening brace and its seq: the script puts both in front. */
function toLogJson(address: LogAddress, at: string, type: EventType, data: unknown): string {
  const { conversationId, invocationId } = address;
  return JSON.stringify({ conversationId, invocationId, type, at, data }).slice(1);
}
