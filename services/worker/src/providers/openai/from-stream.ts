import { AppError } from '@nexus/common/errors/app-error';
import type { OnPart, ProviderFinish } from '../provider.ts';
import { cutShort } from '../wire/interrupted.ts';
import { parseJson } from '../wire/parse-json.ts';
import type { ProviderIdentity } from '../wire/provider-identity.ts';
import { readFailure } from '../wire/read-failure.ts';
import { createFieldReader, type Fields, isObject } from '../wire/read-fields.ts';
import { readFinishReason } from '../wire/read-finish-reason.ts';
import { type ContentKind, tellContent } from '../wire/tell-content.ts';
import { toProviderError } from '../wire/to-provider-error.ts';
import { readUsage } from './read-usage.ts';

/** Field names for error messages, in a chunk and in a whole answer. Built once, because each chunk needs them. */
const namesOf = (at: string) => ({
  at,
  content: `${at}.content`,
  refusal: `${at}.refusal`,
  reasoning: `${at}.reasoning`,
  reasoning_content: `${at}.reasoning_content`,
});
const names = { delta: namesOf('choices[0].delta'), message: namesOf('choices[0].message') };
type Said = keyof typeof names;

export type OpenAiAnswer = {
  /** Reads the next event and passes its parts on. Throws if the event holds an error. */
  take(value: unknown, name: string | undefined): void;
  /** Reads a body that is not an event stream: a server that does not stream sends its answer, or its error, in one piece. */
  takeWhole(body: string): void;
  /** Call it after the last event. `isMarked`: the end mark has arrived. */
  finish(isMarked: boolean): ProviderFinish;
};

/** Reads one answer event by event. The usage comes in an event of its own, after the finish reason. */
export function createOpenAiAnswer(identity: ProviderIdentity, onPart: OnPart): OpenAiAnswer {
  const { title } = identity;
  const read = createFieldReader(title);
  let rawReason = '';
  let usage: unknown = null;
  let hasText = false;
  let isRefusal = false;
  let isWhole = false;

  function tell(kind: ContentKind, text: string): void {
    if (kind === 'reasoning') {
      onPart({ type: 'reasoning-delta', text });
      return;
    }
    hasText = true;
    if (kind === 'refusal') isRefusal = true;
    onPart({ type: 'text-delta', text });
  }

  function takeChunk(chunk: Fields, said: Said): void {
    if (isFailure(chunk)) throw toProviderError(identity, readFailure(chunk));
    const choice = read.object(read.list(chunk.choices, 'choices')[0], 'choices[0]');
    if (choice && isGiven(choice.error)) throw toProviderError(identity, readFailure(choice.error));
    if (choice) takeChoice(choice, said);
    usage = usageOf(chunk, choice) ?? usage;
  }

  function takeChoice(choice: Fields, said: Said): void {
    const message = read.object(choice[said], names[said].at);
    if (message) takeMessage(message, names[said]);
    const reason = read.text(choice.finish_reason, 'choices[0].finish_reason');
    if (reason !== '' && reason !== 'null') rawReason = reason;
  }

  /** Compatible servers send reasoning under one of two names, and some under both. */
  function takeMessage({ reasoning_content, reasoning, content, refusal }: Fields, name: (typeof names)[Said]): void {
    if (reasoning_content) tellContent(read, reasoning_content, name.reasoning_content, tell, 'reasoning');
    else tellContent(read, reasoning, name.reasoning, tell, 'reasoning');
    tellContent(read, content, name.content, tell);
    tellContent(read, refusal, name.refusal, tell, 'refusal');
  }

  return {
    take(value, name) {
      if (name === 'error') throw toProviderError(identity, readFailure(value));
      const chunk = read.object(value, 'an event');
      if (chunk) takeChunk(chunk, 'delta');
    },
    takeWhole(body) {
      const parsed = parseJson(body);
      const whole = Array.isArray(parsed) ? parsed[0] : parsed; // Gemini puts its errors into an array
      if (isObject(whole)) takeChunk(whole, 'message');
      if (rawReason === '' && !hasText)
        throw new AppError('provider_protocol_error', `${title} sent neither events nor a whole answer`);
      isWhole = true;
    },
    finish(isMarked) {
      if (rawReason === '' && !(hasText && (isMarked || isWhole)))
        throw cutShort(title, 'ended its stream without a finish reason');
      const ended = rawReason === '' ? 'other' : readFinishReason(title, rawReason, isMarked || isWhole);
      return { reason: isRefusal ? 'content_filter' : ended, rawReason, ...readUsage(usage, hasText) };
    },
  };
}

/** A stream that began with status 200 may hold an error: in `error`, or, from vLLM and gateways, as the whole event. */
function isFailure({ error, object, type, choices, usage, message, detail }: Fields): boolean {
  if (isGiven(error) || object === 'error' || type === 'error') return true;
  return choices === undefined && usage === undefined && (typeof message === 'string' || isGiven(detail));
}

function isGiven(error: unknown): boolean {
  return error !== undefined && error !== null && error !== '' && error !== false;
}

/** Moonshot sends the counts in the choice, Groq in `x_groq`. */
function usageOf({ usage, x_groq }: Fields, choice: Fields | null): unknown {
  return usage ?? choice?.usage ?? (isObject(x_groq) ? x_groq.usage : null);
}
