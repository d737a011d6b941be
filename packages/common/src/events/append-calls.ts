import { Cluster } from 'ioredis';
import { createScript } from '../redis/create-script.ts';
import type { Redis } from '../redis/redis-connection.ts';
import { atEndOfTurn } from '../timing/at-end-of-turn.ts';

/**
 * Appends to several logs and publishes the entries, in one call. The attempt number fences each log.
 *
 * KEYS  for each log: the log, its cancel flag
 * ARGV  for each log: channel; then one string with attempt, expected last seq (-1: any), expiry in ms, whether the last entry is terminal (0|1)
 *       and the number of entries; then each entry's JSON without its opening brace
 * Reply for each log: last seq, cancel wanted 0|1. A negative last seq is a refusal: -1, a newer attempt has written or the log is closed; -2, the
 * log is not at the expected seq because Redis lost entries, followed by the seq where it is. The reply is a plain 0, which is faster to read than
 * a list, if every log took its entries at the expected seq and no cancel is wanted.
 *
 * A log's seqs run from 1 without a gap, unless the log was restored. So if its length is the expected seq, no other writer has appended, and the
 * script need not read the last entry. The cancel flag is also set when a log is closed, so that the script reads the last entry then. The script
 * renews the expiry now and then, and whenever it appends something other than the next deltas.
 *
 * An entry has the attempt `a`, whether it is terminal `t`, and the event `e` without its seq. The seq is the entry's id.
 */
const appendScript = `
local replies = {}
local asExpected = true
local arg = 1
for key = 1, #KEYS, 2 do
  local channel = ARGV[arg]
  local attempt, expected, expiry, terminal, entries = string.match(ARGV[arg + 1], '(%d+) (-?%d+) (%d+) (%d) (%d+)')
  expected, entries = tonumber(expected), tonumber(entries)
  arg = arg + 2
  local seq = expected
  local over = false
  local flagged = redis.call('EXISTS', KEYS[key + 1])
  local goesOn = expected > 0 and flagged == 0 and redis.call('XLEN', KEYS[key]) == expected
  if not goesOn then
    local last = redis.call('XREVRANGE', KEYS[key], '+', '-', 'COUNT', 1)[1]
    seq = last and tonumber(string.sub(last[1], 3)) or 0
    over = last and (tonumber(last[2][2]) > tonumber(attempt) or last[2][4] == '1')
  end
  asExpected = asExpected and goesOn
  if over then
    replies[key], replies[key + 1] = -1, 0
  elseif expected >= 0 and expected ~= seq then
    replies[key], replies[key + 1] = -2, seq
  else
    local ends = terminal == '1'
    for entry = 1, entries do
      seq = seq + 1
      local id, json = string.format('%d', seq), ARGV[arg + entry - 1]
      redis.call('XADD', KEYS[key], '0-' .. id, 'a', attempt, 't', entry == entries and terminal or '0', 'e', json)
      redis.call('PUBLISH', channel, '{"seq":' .. id .. ',' .. json)
    end
    if ends or not goesOn or seq % 100 < entries then redis.call('PEXPIRE', KEYS[key], expiry) end
    if ends then redis.call('SET', KEYS[key + 1], '1', 'PX', expiry) end
    replies[key], replies[key + 1] = seq, flagged
  end
  arg = arg + entries
end
return asExpected and 0 or replies`;

/** How many logs one call may have. Redis serves no other client during a call. */
const maxLogs = 32;

export type AppendCall = {
  log: string;
  cancelFlag: string;
  channel: string;
  attempt: number;
  expectedSeq: number;
  expiryMs: number;
  /** Each is the JSON of an event without its opening brace. */
  entries: string[];
  /** Whether the last of them is terminal. No event follows a terminal one. */
  ends: boolean;
};

/** `over`: a newer attempt has written, or the log is closed. `lost`: Redis has the log only up to `seq`. */
export type AppendReply =
  | { kind: 'appended'; seq: number; cancelWanted: boolean }
  | { kind: 'over' }
  | { kind: 'lost'; seq: number };

type Waiting = { call: AppendCall; onReply(reply: AppendReply): void; onError(error: unknown): void };

/**
 * All appends of one turn of the event loop go to Redis in one call at its end, for any number of logs. Under load, system calls and the processes
 * that they wake are the largest cost. In a cluster a call stays within one conversation, so each log has its own.
 */
export function createAppendCalls(
  redis: Redis,
): (call: AppendCall, onReply: (reply: AppendReply) => void, onError: (error: unknown) => void) => void {
  const append = createScript<number[] | 0>(redis, appendScript);
  const logsPerCall = redis instanceof Cluster ? 1 : maxLogs;
  let waiting: Waiting[] = [];

  function sendAll(): void {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += logsPerCall) void send(all.slice(from, from + logsPerCall));
  }

  async function send(calls: Waiting[]): Promise<void> {
    const keys: string[] = [];
    const args: string[] = [];
    for (const { call } of calls) {
      const { attempt, expectedSeq, expiryMs, ends, entries } = call;
      keys.push(call.log, call.cancelFlag);
      args.push(call.channel, `${attempt} ${expectedSeq} ${expiryMs} ${ends ? 1 : 0} ${entries.length}`, ...entries);
    }
    let replies: number[] | 0;
    try {
      replies = await append(keys, args);
    } catch (error) {
      for (const { onError } of calls) onError(error);
      return;
    }
    for (const [at, { call, onReply }] of calls.entries()) {
      if (replies === 0) onReply(toReply(call.expectedSeq + call.entries.length));
      else onReply(toReply(replies[2 * at], replies[2 * at + 1]));
    }
  }

  return (call, onReply, onError) => {
    if (waiting.push({ call, onReply, onError }) === 1) atEndOfTurn(sendAll);
  };
}

function toReply(first = 0, second = 0): AppendReply {
  if (first === -1) return { kind: 'over' };
  if (first === -2) return { kind: 'lost', seq: second };
  return { kind: 'appended', seq: first, cancelWanted: second === 1 };
}
