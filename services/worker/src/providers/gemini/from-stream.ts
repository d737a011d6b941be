import { AppError } from '@nexus/common/errors/app-error';
import type { OnPart, ProviderFinish } from '../provider.ts';
import { cutShort } from '../wire/interrupted.ts';
import { parseJson } from '../wire/parse-json.ts';
import type { ProviderIdentity } from '../wire/provider-identity.ts';
import { quote } from '../wire/quote.ts';
import { readFailure } from '../wire/read-failure.ts';
import { createFieldReader, type Fields, isObject } from '../wire/read-fields.ts';
import { readFinishReason, type Verdict } from '../wire/read-finish-reason.ts';
import { toProviderError } from '../wire/to-provider-error.ts';
import { readUsage } from './read-usage.ts';

export type GeminiAnswer = {
  /** Reads the next event and passes its parts on. Throws if the event holds an error. */
  take(value: unknown, name: string | undefined): void;
  /** Reads a body that is not an event stream: a gateway that drops `alt=sse` sends one chunk, or a list of chunks. */
  takeWhole(body: string): void;
  /** Call it after the last event. */
  finish(): ProviderFinish;
};

/** Gemini's reasons in addition to the shared table. An image, or a call of tools that we did not offer, is a failure. */
const ownReasons: Record<string, Verdict> = {
  no_image: 'failure',
  image_other: 'failure',
  image_prohibited_content: 'content_filter',
  image_recitation: 'content_filter',
  missing_thought_signature: 'failure',
  too_many_tool_calls: 'failure',
};
/** "Unknown reason" to Gemini itself. */
const unknownReason = /^(OTHER|FINISH_REASON_UNSPECIFIED)$/i;

/** One answer, read event by event. */
export function createGeminiAnswer(identity: ProviderIdentity, onPart: OnPart): GeminiAnswer {
  const { title } = identity;
  const read = createFieldReader(title);
  let rawReason = '';
  let usage: unknown = null;
  let hasText = false;
  let hasParts = false;

  function takeChunk(chunk: Fields): void {
    if (isFailure(chunk)) throw toProviderError(identity, readFailure(chunk));
    throwIfBlocked(read.object(chunk.promptFeedback, 'promptFeedback'));
    const candidate = read.object(read.list(chunk.candidates, 'candidates')[0], 'candidates[0]');
    if (candidate) takeCandidate(candidate);
    usage = chunk.usageMetadata ?? usage;
  }

  function throwIfBlocked(feedback: Fields | null): void {
    const reason = read.text(feedback?.blockReason, 'promptFeedback.blockReason');
    if (reason === '' || reason === 'BLOCK_REASON_UNSPECIFIED') return;
    const words = read.text(feedback?.blockReasonMessage, 'promptFeedback.blockReasonMessage');
    const why = quote(words === '' ? reason : `${reason}: ${words}`, identity.secrets);
    throw new AppError('provider_content_filtered', `${title} refused the prompt (${why})`);
  }

  function takeCandidate({ content, finishReason }: Fields): void {
    const parts = read.list(read.object(content, 'candidates[0].content')?.parts, 'candidates[0].content.parts');
    for (const [index, part] of parts.entries()) takePart(part, `candidates[0].content.parts[${index}]`);
    rawReason = read.text(finishReason, 'candidates[0].finishReason') || rawReason;
  }

  function takePart(value: unknown, field: string): void {
    const part = read.object(value, field);
    if (part === null) return;
    const { text, thought, thoughtSignature, ...others } = part;
    if ((text ?? null) === null && Object.values(others).some(isObject))
      throw read.refuse(value, field, 'a part that holds text');
    if (thought !== undefined && thought !== null && typeof thought !== 'boolean')
      throw read.refuse(thought, `${field}.thought`, 'a boolean');
    const words = read.text(text, `${field}.text`);
    if (words === '') return;
    hasParts = true;
    if (!thought) hasText = true;
    usage = null; // earlier counts do not include this part
    onPart({ type: thought ? 'reasoning-delta' : 'text-delta', text: words });
  }

  function take(value: unknown, name: string | undefined): void {
    if (name === 'error') throw toProviderError(identity, readFailure(value));
    // A gateway that drops `alt=sse` sends a list.
    for (const item of Array.isArray(value) ? value : [value]) {
      const chunk = read.object(item, 'an event');
      if (chunk) takeChunk(chunk);
    }
  }

  return {
    take,
    takeWhole(body) {
      const whole = parseJson(body);
      if (isObject(whole) || Array.isArray(whole)) take(whole, undefined);
      if (rawReason === '' && !hasParts)
        throw new AppError('provider_protocol_error', `${title} sent neither events nor a whole answer`);
    },
    finish() {
      if (rawReason === '') throw cutShort(title, 'ended its stream without a finish reason');
      // Without text before it this is not an answer. A retry may succeed.
      if (unknownReason.test(rawReason) && !hasText)
        throw cutShort(title, `ended without an answer: ${quote(rawReason)}`);
      // Gemini has no end mark. The end of the body takes its place, hence `true`.
      return {
        reason: readFinishReason(title, rawReason, true, ownReasons),
        rawReason,
        ...readUsage(usage, hasText),
      };
    },
  };
}

/** A stream that began with status 200 may hold an error: in `error`, or as the whole event, like google.rpc.Status. */
function isFailure({ error, candidates, usageMetadata, promptFeedback, message }: Fields): boolean {
  if (error !== undefined && error !== null && error !== '' && error !== false) return true;
  return (
    [candidates, usageMetadata, promptFeedback].every((field) => field === undefined) && typeof message === 'string'
  );
}
