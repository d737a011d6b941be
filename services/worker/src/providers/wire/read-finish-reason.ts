import { AppError } from '@nexus/common/errors/app-error';
import type { FinishReason } from '../provider.ts';
import { quote } from './quote.ts';

export type Verdict = FinishReason | 'failure';

const words: Record<Verdict, string> = {
  stop: 'stop stop_sequence stop_token end end_turn eos eos_token complete completed done',
  length: `length length_limit max_tokens max_output_tokens max_completion_tokens max_length model_length token_limit
    context_length context_length_exceeded model_context_window_exceeded`,
  content_filter: `content_filter content_filtered content_policy_violation safety recitation blocklist prohibited_content spii
    image_safety language sensitive moderation guardrail_intervened refusal error_toxic`,
  tool_calls: 'tool_calls tool_call tool_use function_call',
  other: 'other finish_reason_unspecified unknown',
  failure: `error failed failure network_error server_error internal_error engine_error abort aborted cancelled canceled timeout
    disconnected incomplete interrupted insufficient_system_resource malformed_function_call malformed_response
    unexpected_tool_call`,
};

/** The finish reasons of all providers, in lower case. One table for all, because no word means two things. */
const verdicts = new Map(
  Object.entries(words).flatMap(([verdict, list]) => list.split(/\s+/).map((word) => [word, verdict as Verdict])),
);

/**
 * Translates the provider's own word for why an answer ended. Throws `stream_interrupted` if the word means a failure. An unknown word is
 * `other` if the protocol's end mark followed, because then the answer is complete. Without the end mark it may have been cut off.
 * `own` adds words of one provider, in lower case.
 */
export function readFinishReason(
  title: string,
  rawReason: string,
  isMarked: boolean,
  own: Record<string, Verdict> = {},
): FinishReason {
  const word = rawReason.toLowerCase();
  const verdict = own[word] ?? verdicts.get(word);
  if (verdict === 'failure')
    throw new AppError('stream_interrupted', `${title} broke the answer off: ${quote(rawReason)}`);
  if (verdict !== undefined && verdict !== 'other') return verdict;
  if (isMarked) return 'other';
  throw new AppError('stream_interrupted', `${title} ended the answer without its end mark: ${quote(rawReason)}`);
}
