import { Cluster } from 'ioredis';
import { atEndOfTurn } from './at-end-of-turn.ts';
import type { Redis } from './open-redis.ts';

/**
 * Appends to logs and publishes what it appended, each log fenced by its attempt, all in one call.
 *
 * KEYS  for each log: the log, its cancel flag
 * ARGV  for each log: channel, attempt, expected last seq (-1: whatever is there), expiry in ms, number of entries, then
 *       for each entry: whether it is terminal (0|1), its JSON without the opening brace
 * Reply for each log: last seq, cancel wanted 0|1. A negative first one: -1 a newer attempt has spoken or the log is closed, -2 the log
 * is not where the caller left it (Redis lost it), with the seq where it is.
 *
 * A log has its seqs from 1 without a gap, unless it was restored: when it is as long as the seq its writer expects, nobody has written
 * since, and its last entry need not be read. The flag is set as well when a log is closed, so that it is read then. The expiry is set
 * anew when something else than the next deltas is written, and now and then.
 *
 * An entry holds the attempt `a`, whether it is terminal `t`, and the event `e` without its seq, which is the entry's id.
 */
const appendScript = `
local replies = {}
local arg = 1
for key = 1, #KEYS, 2 do
  local channel, attempt, expected, expiry, entries = ARGV[arg], ARGV[arg + 1], tonumber(ARGV[arg + 2]), ARGV[arg + 3], tonumber(ARGV[arg + 4])
  arg = arg + 5
  local seq = expected
  local over = false
  local flagged = redis.call('EXISTS', KEYS[key + 1])
  local goesOn = expected > 0 and flagged == 0 and redis.call('XLEN', KEYS[key]) == expected
  if not goesOn then
    local last = redis.call('XREVRANGE', KEYS[key], '+', '-', 'COUNT', 1)[1]
    seq = last and tonumber(string.sub(last[1], 3)) or 0
    over = last and (tonumber(last[2][2]) > tonumber(attempt) or last[2][4] == '1')
  end
  if over then
    replies[key], replies[key + 1] = -1, 0
  elseif expected >= 0 and expected ~= seq then
    replies[key], replies[key + 1] = -2, seq
  else
    local ends = false
    for entry = arg, arg + 2 * entries - 2, 2 do
      seq = seq + 1
      local id = string.format('%d', seq)
      redis.call('XADD', KEYS[key], '0-' .. id, 'a', attempt, 't', ARGV[entry], 'e', ARGV[entry + 1])
      redis.call('PUBLISH', channel, '{"seq":' .. id .. ',' .. ARGV[entry + 1])
      ends = ends or ARGV[entry] == '1'
    end
    if ends or not goesOn or seq % 100 < entries then redis.call('PEXPIRE', KEYS[key], expiry) end
    if ends then redis.call('SET', KEYS[key + 1], '1', 'PX', expiry) end
    replies[key], replies[key + 1] = seq, flagged
  end
  arg = arg + 2 * entries
end
return replies`;

/** As many logs as one call takes: what Redis does in one go keeps everybody else waiting. */
const mostLogs = 32;

export type AppendCall = {
  log: string;
  cancelFlag: string;
  channel: string;
  attempt: number;
  expectedSeq: number;
  expiryMs: number;
  entries: { ends: boolean; json: string }[];
};

/** `over`: a newer attempt has spoken, or the log is closed. `lost`: Redis has the log as far as `seq` only. */
export type AppendReply =
  | { kind: 'appended'; seq: number; cancelWanted: boolean }
  | { kind: 'over' }
  | { kind: 'lost'; seq: number };

type Waiting = { call: AppendCall; resolve(reply: AppendReply): void; reject(error: unknown): void };
type ScriptRedis = Redis & { nexusAppend(...args: (string | number)[]): Promise<number[]> };

/**
 * What is to be appended in one turn of the event loop goes to Redis in one call at its end, however many logs it is for: under load
 * the system calls, and those who are woken by them, are the dearest part of it. On a cluster, where a call stays within one
 * conversation, each log has its own.
 */
export function createAppendCalls(redis: Redis): (call: AppendCall) => Promise<AppendReply> {
  redis.defineCommand('nexusAppend', { lua: appendScript });
  const logsPerCall = redis instanceof Cluster ? 1 : mostLogs;
  let waiting: Waiting[] = [];

  function sendAll(): void {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += logsPerCall) void send(all.slice(from, from + logsPerCall));
  }

  async function send(calls: Waiting[]): Promise<void> {
    const keys: string[] = [];
    const args: (string | number)[] = [];
    for (const { call } of calls) {
      keys.push(call.log, call.cancelFlag);
      args.push(call.channel, call.attempt, call.expectedSeq, call.expiryMs, call.entries.length);
      for (const { ends, json } of call.entries) args.push(ends ? 1 : 0, json);
    }
    try {
      const replies = await (redis as ScriptRedis).nexusAppend(keys.length, ...keys, ...args);
      for (const [at, { resolve }] of calls.entries()) resolve(toReply(replies[2 * at], replies[2 * at + 1]));
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }

  return (call) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ call, resolve, reject }) === 1) atEndOfTurn(sendAll);
    });
}

function toReply(first = 0, second = 0): AppendReply {
  if (first === -1) return { kind: 'over' };
  if (first === -2) return { kind: 'lost', seq: second };
  return { kind: 'appended', seq: first, cancelWanted: second === 1 };
}
