import { AppError } from '@nexus/common/errors/app-error';
import { type FeedEvent, wholeEvent } from '@nexus/common/events/event-json';
import type { EventData, EventError, Usage } from '@nexus/protocol/event';
import type { StreamFormat } from '../../invocations/event-stream.ts';
import { ShownText } from './shown-text.ts';
import { toError } from './to-error.ts';

/** What every chunk of an answer says of it. */
export type Answer = {
  invocationId: string;
  /** ISO 8601. */
  createdAt: string;
  /** As the client wrote it. */
  model: string;
};

type Snapshot = EventData['invocation.snapshot'];

const finishReasons: Record<string, string> = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content_filter',
  tool_calls: 'tool_calls',
};
const toFinishReason = (reason: string | null | undefined) => finishReasons[reason ?? ''] ?? 'stop';

/** An invocation that is over as a `chat.completion`. Throws how it failed. */
export function toCompletion(
  answer: Answer,
  { status, text, reasoning, error, finishReason, usage, messageId }: Snapshot,
) {
  if (status !== 'completed') throw toFailure(status, error);
  if (messageId !== null && text === '') throw new AppError('invocation_not_found', 'Its answer is no longer kept');
  const message = {
    role: 'assistant',
    content: text,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
  };
  return {
    ...toHead(answer, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: toFinishReason(finishReason) }],
    ...(usage ? { usage: toUsage(usage) } : {}),
  };
}

/**
 * The chunks of one answer. Nothing is held back, and the protocol cannot take text back: where an attempt starts again, what it repeats
 * is not sent twice, and where it says something else the stream ends with an error. Thoughts that differ are left out.
 */
export function createChunkFormat(answer: Answer, { includeUsage }: { includeUsage: boolean }): StreamFormat {
  const head = JSON.stringify(toHead(answer, 'chat.completion.chunk')).slice(0, -1);
  const usageBefore = includeUsage ? ',"usage":null' : '';
  const text = new ShownText();
  const thoughts = new ShownText();
  let over = false;

  // By hand: it runs for each delta, of which there are thousands a second.
  const toChunk = (delta: string, finishReason = 'null') =>
    `data: ${head},"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finishReason}}]${usageBefore}}\n\n`;
  const toContent = (added: string) => (added === '' ? '' : toChunk(`{"content":${JSON.stringify(added)}}`));
  const toThought = (added: string | null) => (added ? toChunk(`{"reasoning_content":${JSON.stringify(added)}}`) : '');

  function fail(error: AppError): string {
    over = true;
    return toErrorFrame(error);
  }

  function toText(added: string | null): string {
    return added === null ? fail(differs()) : toContent(added);
  }

  function toEnd(finishReason: string | null | undefined, usage: Usage | null | undefined): string {
    if (text.isAhead) return fail(differs());
    over = true;
    const counted =
      includeUsage && usage ? `data: ${head},"choices":[],"usage":${JSON.stringify(toUsage(usage))}}\n\n` : '';
    return `${toChunk('{}', JSON.stringify(toFinishReason(finishReason)))}${counted}data: [DONE]\n\n`;
  }

  function fromSnapshot(snapshot: Snapshot): string {
    const { status, messageId, error, finishReason, usage } = snapshot;
    const isKept = messageId === null || snapshot.text !== '';
    if (!isKept) return fail(new AppError('invocation_not_found', 'Its answer is no longer kept'));
    const said = toThought(thoughts.replace(snapshot.reasoning)) + toText(text.replace(snapshot.text));
    if (over || status === 'queued' || status === 'running') return said;
    return said + (status === 'completed' ? toEnd(finishReason, usage) : fail(toFailure(status, error)));
  }

  function toFrames(event: FeedEvent): string {
    if (over) return '';
    const { type, data } = wholeEvent(event);
    switch (type) {
      case 'message.delta':
        return toText(text.add(data.text));
      case 'reasoning.delta':
        return toThought(thoughts.add(data.text));
      case 'invocation.restarted':
        text.restart();
        thoughts.restart();
        return '';
      case 'invocation.snapshot':
        return fromSnapshot(data);
      case 'invocation.completed':
        return toEnd(data.finishReason, data.usage);
      case 'invocation.failed':
        return fail(toFailure('failed', data.error));
      case 'invocation.cancelled':
        return fail(toFailure('cancelled', null));
      default:
        return '';
    }
  }

  return {
    opening: toChunk('{"role":"assistant","content":"","refusal":null}'),
    toFrames,
    isOver: () => over,
    stopping,
  };
}

const stopping = toErrorFrame(new AppError('service_stopping'));

function toErrorFrame(error: AppError): string {
  return `data: ${JSON.stringify(toError(error).body)}\n\n`;
}

function differs(): AppError {
  return new AppError('stream_interrupted', 'The answer was started again, and differs from what was sent');
}

/** The error of an invocation that failed, was cancelled, or has not ended. */
function toFailure(status: Snapshot['status'], error: EventError | null): AppError {
  if (error) return new AppError(error.code, error.message);
  return new AppError(status === 'cancelled' ? 'cancelled' : 'service_stopping');
}

function toHead({ invocationId, createdAt, model }: Answer, object: string) {
  return { id: `chatcmpl-${invocationId}`, object, created: Math.floor(Date.parse(createdAt) / 1_000), model };
}

function toUsage({ inputTokens, outputTokens, cachedTokens, reasoningTokens }: Usage) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
    ...(reasoningTokens === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}
