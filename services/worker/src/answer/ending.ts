import type { AppError } from '@nexus/common/errors/app-error';
import { sha256 } from '@nexus/common/feeds/load-snapshot';
import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import type { Finished } from '@nexus/common/invocations/status/finished';
import type { Outcome } from '@nexus/common/invocations/status/outcome';
import type { AttemptUsage } from '@nexus/common/invocations/usage-record';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import { errorMeanings } from '@nexus/protocol/error-codes';
import type { NewEvent, Usage } from '@nexus/protocol/event';
import type { Context } from '../context/build-context.ts';
import { priceUsage } from '../usage/price-usage.ts';
import type { AnswerWriter } from './answer-writer.ts';

/** How an attempt came to its end. `firstPartAt` is on the process's monotonic clock; null when the provider said nothing. */
export type Ending =
  | {
      kind: 'complete';
      reason: string;
      rawReason: string;
      usage: Usage | null;
      textTokens?: number;
      firstPartAt: number | null;
    }
  | { kind: 'broken'; error: AppError; firstPartAt: number | null }
  | { kind: 'back'; reason: ErrorCode; delayMs: number; firstPartAt: number | null }
  | { kind: 'lost' };

type Kept = Exclude<Ending, { kind: 'lost' }>;

/** Codes with which the provider never had the request. */
const unreached: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'provider_unreachable',
  'provider_not_configured',
  'internal_error',
]);

/** What is to be written of this ending. Freezes the answer: the seq of the terminal event is part of the outcome. */
export function toOutcome(
  answer: AnswerWriter,
  claim: Claim,
  context: Context,
  ending: Kept,
  countTokens: (text: string) => number,
): Outcome {
  const { text, reasoning } = answer;
  // What was thought aloud may or may not be among the tokens the provider counted.
  const counted = ending.kind === 'complete' && reasoning === '' ? (ending.textTokens ?? 0) : 0;
  const textTokens = text === '' ? null : counted > 0 && isCount(counted) ? counted : countTokens(text);
  const broken = ending.kind === 'broken' ? ending.error : null;
  return {
    status: ending.kind === 'complete' ? 'completed' : broken?.code === 'cancelled' ? 'cancelled' : 'failed',
    text,
    textTokens,
    reasoning,
    inputTokens: context.inputTokens,
    finishReason: ending.kind === 'complete' ? ending.reason : null,
    error: broken && broken.code !== 'cancelled' ? { code: broken.code, message: shownMessage(broken) } : null,
    lastSeq: answer.freeze(),
    firstTokenAgoMs: ending.firstPartAt === null ? null : performance.now() - ending.firstPartAt,
    usage: toUsage(claim, ending, context, (textTokens ?? 0) + (reasoning === '' ? 0 : countTokens(reasoning))),
  };
}

/** What the database can hold as a number of tokens: servers that only resemble a provider's say all sorts of things. */
function isCount(tokens: number): boolean {
  return Number.isInteger(tokens) && tokens >= 0 && tokens <= 2_147_483_647;
}

function areCounts({ inputTokens, outputTokens, cachedTokens, reasoningTokens = 0 }: Usage): boolean {
  return [inputTokens, outputTokens, cachedTokens, reasoningTokens].every(isCount);
}

/** What stopped the answer; null where nothing did. */
function codeOf(ending: Kept): ErrorCode | null {
  if (ending.kind === 'broken') return ending.error.code;
  return ending.kind === 'back' ? ending.reason : null;
}

function shownMessage(error: AppError): string {
  const { exposed, title } = errorMeanings[error.code];
  return exposed ? error.message : title;
}

/**
 * The provider's own count where it gave one; else an estimate. A call that failed before its first part cost nothing, unless it was
 * we who broke it off: then the provider had read the input.
 */
function toUsage({ settings }: Claim, ending: Kept, context: Context, outputTokens: number): AttemptUsage | null {
  const unanswered = ending.firstPartAt === null ? codeOf(ending) : null;
  if (unanswered !== null && unreached.has(unanswered)) return null;
  const reported = ending.kind === 'complete' && ending.usage && areCounts(ending.usage) ? ending.usage : null;
  const refused = unanswered?.startsWith('provider_') ?? false;
  const usage: Usage = reported ?? {
    inputTokens: refused ? 0 : context.contextTokens,
    outputTokens,
    cachedTokens: 0,
    source: 'estimated',
  };
  return priceUsage(settings, usage);
}

/** The same ending without what came from outside, for a database that refuses it. */
export function toRefused(outcome: Outcome): Outcome {
  return {
    ...outcome,
    status: 'failed',
    text: '',
    textTokens: null,
    reasoning: '',
    inputTokens: null,
    error: { code: 'internal_error', message: errorMeanings.internal_error.title },
  };
}

/** The event that tells what was written, where the row may have overruled the outcome: a cancel that came in time wins. */
export function toTerminalEvent(outcome: Outcome, { status, messageId }: Finished): NewEvent {
  const contentSha256 = messageId === null ? null : sha256(outcome.text);
  if (status === 'completed' && outcome.usage) {
    const { costMicroUsd: _cost, priceTableVersion: _version, ...usage } = outcome.usage;
    return {
      type: 'invocation.completed',
      data: { messageId, finishReason: outcome.finishReason ?? 'other', usage, contentSha256: sha256(outcome.text) },
    };
  }
  if (status === 'cancelled') return { type: 'invocation.cancelled', data: { messageId, contentSha256 } };
  const code = outcome.error?.code ?? 'internal_error';
  const { title, retryable } = errorMeanings[code];
  return {
    type: 'invocation.failed',
    data: { error: { code, message: outcome.error?.message ?? title, retryable }, messageId, contentSha256 },
  };
}
