import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import type { Step } from '@nexus/common/invocations/status/ending';
import type { AttemptUsage } from '@nexus/common/invocations/usage-record';
import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { Usage } from '@nexus/protocol/event';
import type { CallResult } from '../attempts/call-result.ts';
import type { Context } from '../context/build-context.ts';
import { priceUsage } from '../usage/price-usage.ts';
import type { AnswerWriter } from './answer-writer.ts';

/** Errors after which the request has never reached the provider. */
const unreached: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'provider_unreachable',
  'provider_not_configured',
  'internal_error',
]);

/** What is stored of one call of the provider: its messages and its usage. */
export function toStep(
  { text, reasoning }: Pick<AnswerWriter, 'text' | 'reasoning'>,
  { settings }: Pick<Claim, 'settings'>,
  context: Context,
  result: CallResult,
  countTokens: (text: string) => number,
): Step {
  // The provider's count may or may not include the reasoning, so use it only if there is none.
  const counted = reasoning === '' ? (result.finish?.textTokens ?? 0) : 0;
  const textTokens = text === '' ? null : counted > 0 ? counted : countTokens(text);
  const outputTokens = (textTokens ?? 0) + (reasoning === '' ? 0 : countTokens(reasoning));
  return {
    text,
    textTokens,
    reasoning,
    inputTokens: context.inputTokens,
    finishReason: result.finish?.reason ?? null,
    firstTokenAgoMs: result.firstPartAt === null ? null : performance.now() - result.firstPartAt,
    usage: toUsage(settings, result, context, outputTokens),
  };
}

/**
 * The provider's own count, or else an estimate. If the provider failed before the first part, the call cost nothing. If we broke the call off
 * before the first part, the provider had read the input.
 */
function toUsage(
  settings: Claim['settings'],
  { finish, error, firstPartAt }: CallResult,
  context: Context,
  outputTokens: number,
): AttemptUsage | null {
  const unanswered = error && firstPartAt === null ? error.code : null;
  if (unanswered !== null && unreached.has(unanswered)) return null;
  const reported = finish?.usage ?? null;
  const refused = unanswered?.startsWith('provider_') ?? false;
  const usage: Usage = reported ?? {
    inputTokens: refused ? 0 : context.contextTokens,
    outputTokens,
    cachedTokens: 0,
    source: 'estimated',
  };
  return priceUsage(settings, usage);
}
