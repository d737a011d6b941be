import { AppError } from '@nexus/common/errors/app-error';
import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import type { Ended } from '@nexus/common/invocations/status/ended';
import type { Ending } from '@nexus/common/invocations/status/ending';
import type { HandBack } from '@nexus/common/invocations/status/hand-back-invocation';
import type { NewEvent } from '@nexus/protocol/event';
import { fold, nothingShown } from '@nexus/protocol/fold';
import { describe, expect, it } from 'vitest';
import type { AnswerWriter } from './answer/answer-writer.ts';
import { toRefused } from './answer/to-ending.ts';
import { createRunningAttempts } from './attempts/running-attempts.ts';
import { createInvocationProcessor, type ProcessorParts } from './process-invocation.ts';
import type { OnPart, ProviderFinish } from './providers/provider.ts';
import type { Announce } from './record/record-invocation.ts';

const claim = {
  invocationId: 'i',
  conversationId: 'c',
  attempt: 1,
  restartReason: null,
  settings: { provider: 'openai', model: 'gpt-4o', systemPrompt: '', contextTokens: 8_192 },
  input: 'one two three',
  history: [],
} as unknown as Claim;
const finish: ProviderFinish = {
  reason: 'stop',
  rawReason: 'stop',
  usage: { inputTokens: 7, outputTokens: 2, cachedTokens: 0, source: 'provider' },
};
const say: StreamParts = async (_claim, _context, onPart) => {
  onPart({ type: 'reasoning-delta', text: 'hm' });
  onPart({ type: 'text-delta', text: 'the answer' });
  return finish;
};
/** Says something, then fails. */
const breakOff =
  (error: unknown): StreamParts =>
  async (_claim, _context, onPart) => {
    onPart({ type: 'text-delta', text: 'the ans' });
    throw error;
  };
const fail =
  (error: unknown): StreamParts =>
  async () => {
    throw error;
  };

type StreamParts = ProcessorParts['streamParts'];

/** The result of the write: as the ending says, or null if the row has moved on. */
type WriteEnd = (ending: Ending) => { ended: Partial<Ended>; written?: Ending } | null;
const asAsked: WriteEnd = ({ status, step }) => ({ ended: { status, messageId: step.text === '' ? null : 'm' } });

type Setup = {
  claimed?: Partial<Claim> | null;
  streamParts?: StreamParts;
  writeEnd?: WriteEnd;
  handBack?: () => boolean;
  stopping?: boolean;
};

/** Processes one job with these parts. `story` is what happened, in order. */
async function process({ claimed = {}, streamParts = say, writeEnd = asAsked, handBack, stopping = false }: Setup) {
  const story: string[] = [];
  const events: NewEvent[] = [];
  const shown = nothingShown();
  const endings: Ending[] = [];
  const handedBack: HandBack[] = [];
  const failures: AppError[] = [];
  const attempts = createRunningAttempts();
  let runningMeanwhile = 0;
  if (stopping) attempts.abortAll(new AppError('worker_stopping'));

  function announce(event: NewEvent): void {
    story.push(event.type);
    events.push(event);
    fold(shown, event);
  }
  const answer: AnswerWriter = {
    get text() {
      return shown.text;
    },
    get reasoning() {
      return shown.reasoning;
    },
    write: announce,
    located: async () => void story.push('located'),
    freeze() {
      story.push('frozen');
      return 9;
    },
    end: async (event) => announce(event),
    abandon: () => void story.push('abandoned'),
  };
  const processInvocation = createInvocationProcessor({
    attempts,
    record: {
      claim: async () => claimed && { ...claim, ...claimed },
      async end(_claim: Claim, ending: Ending, announceEnd: Announce) {
        endings.push(ending);
        const end = writeEnd(ending);
        story.push(end ? 'written' : 'refused');
        if (end) await announceEnd({ hasNext: false, ...end.ended } as Ended, end.written ?? ending);
        return end !== null;
      },
      async handBack(_claim: Claim, how: HandBack) {
        story.push('handed back');
        handedBack.push(how);
        return handBack?.() ?? true;
      },
    },
    openAnswer() {
      story.push('opened');
      return answer;
    },
    streamParts: (each, context, onPart: OnPart, signal) => {
      story.push('asked');
      runningMeanwhile = attempts.size();
      return streamParts(each, context, onPart, signal);
    },
    countTokens: (text) => text.split(' ').length,
    onFailed: (_attempt, error) => void failures.push(error),
    retryPolicy: { longWaitMs: 10_000, maxWaitMs: 600_000, attempts: 10 },
  });
  const error: unknown = await processInvocation({ invocationId: 'i', dispatch: 1 }).catch((caught: unknown) => caught);
  return { story, events, shown, endings, handedBack, failures, error, runningMeanwhile, running: attempts.size() };
}

describe('a job', () => {
  it('whose claim is refused does nothing', async () => {
    expect(await process({ claimed: null })).toMatchObject({ story: [], error: undefined });
  });

  it('is answered part by part, and its end is announced once it is written', async () => {
    const { story, shown, endings } = await process({});
    expect(story).toEqual([
      'opened',
      'invocation.started',
      'asked',
      'reasoning.delta',
      'message.delta',
      'located',
      'frozen',
      'written',
      'invocation.completed',
    ]);
    expect(shown).toMatchObject({ status: 'completed', messageId: 'm', finishReason: 'stop', usage: finish.usage });
    expect(endings).toMatchObject([
      { invocationId: 'i', conversationId: 'c', attempt: 1, status: 'completed', error: null, lastSeq: 9 },
    ]);
    expect(endings[0]?.step).toMatchObject({
      text: 'the answer',
      textTokens: 2,
      reasoning: 'hm',
      inputTokens: 3,
      finishReason: 'stop',
      firstTokenAgoMs: expect.any(Number),
      usage: finish.usage,
    });
  });

  it('of a later attempt first writes that it restarts, and why', async () => {
    const handedBack = await process({ claimed: { attempt: 2, restartReason: 'provider_rate_limited' } });
    const lost = await process({ claimed: { attempt: 3, restartReason: null } });
    expect(handedBack.events.slice(0, 2)).toMatchObject([
      { type: 'invocation.restarted', data: { attempt: 2, reason: 'provider_rate_limited' } },
      { type: 'invocation.started', data: { attempt: 2, provider: 'openai', model: 'gpt-4o' } },
    ]);
    expect(lost.events[0]).toMatchObject({ data: { attempt: 3, reason: 'worker_lost' } });
  });

  it('counts as running while it is answered', async () => {
    expect(await process({})).toMatchObject({ runningMeanwhile: 1, running: 0 });
  });

  it('shows no NUL character, as Postgres cannot store one', async () => {
    const streamParts: StreamParts = async (_claim, _context, onPart) => {
      onPart({ type: 'text-delta', text: 'a\0b\0' });
      return finish;
    };
    const { shown, endings } = await process({ streamParts });
    expect([shown.text, endings[0]?.step.text]).toEqual(['ab', 'ab']);
  });

  it('of a stopping worker is handed back before the call of its provider', async () => {
    const { story, handedBack } = await process({ stopping: true });
    expect(story).toEqual(['opened', 'abandoned', 'handed back']);
    expect(handedBack).toEqual([{ reason: 'worker_stopping', delayMs: 0, usage: null }]);
  });

  it('whose worker stops during the answer is handed back with its usage, and writes no more events', async () => {
    const { story, handedBack, endings } = await process({ streamParts: breakOff(new AppError('worker_stopping')) });
    expect(story.slice(-3)).toEqual(['message.delta', 'abandoned', 'handed back']);
    expect(handedBack).toMatchObject([{ reason: 'worker_stopping', delayMs: 0, usage: { outputTokens: 2 } }]);
    expect(endings).toEqual([]);
  });

  it('whose provider asks for a long wait is handed back for that long', async () => {
    const error = new AppError('provider_rate_limited', undefined, { retryAfterMs: 60_000 });
    const { handedBack, endings } = await process({ streamParts: fail(error) });
    expect(handedBack).toMatchObject([{ reason: 'provider_rate_limited', delayMs: 60_000 }]);
    expect(endings).toEqual([]);
  });

  it('that loses its claim writes no row and no more events', async () => {
    const { story } = await process({ streamParts: breakOff(new AppError('claim_lost')) });
    expect(story).toEqual(['opened', 'invocation.started', 'asked', 'message.delta', 'abandoned']);
  });

  it('that is cancelled ends as cancelled, and keeps its text', async () => {
    const { shown, endings, failures } = await process({ streamParts: breakOff(new AppError('cancelled')) });
    expect(endings).toMatchObject([{ status: 'cancelled', error: null, step: { text: 'the ans' } }]);
    expect(shown).toMatchObject({ status: 'cancelled', text: 'the ans', messageId: 'm' });
    expect(failures).toEqual([]);
  });

  it('that fails announces why, and logs the error with its cause', async () => {
    const error = new AppError('provider_key_rejected', 'it says: no', { cause: new Error('401') });
    const { shown, failures } = await process({ streamParts: fail(error) });
    expect(shown).toMatchObject({ status: 'failed', error: { code: 'provider_key_rejected', message: 'it says: no' } });
    expect(failures).toEqual([error]);
    expect(failures[0]).toBe(error);
  });

  it('that fails by an internal error does not show its message', async () => {
    const { shown, failures } = await process({ streamParts: breakOff(new TypeError('the secret is 42')) });
    expect(shown.error).toMatchObject({ code: 'internal_error', message: 'The service had an internal error' });
    expect(failures[0]?.cause).toBeInstanceOf(TypeError);
  });

  it('announces the status of the row: a cancel that was committed before the end wins', async () => {
    for (const streamParts of [say, breakOff(new AppError('idle_timeout'))]) {
      const { shown, failures } = await process({
        streamParts,
        writeEnd: () => ({ ended: { status: 'cancelled', messageId: 'm' } }),
      });
      expect(shown).toMatchObject({ status: 'cancelled', messageId: 'm', error: null });
      expect(failures).toEqual([]);
    }
  });

  it('announces nothing if the row has moved on', async () => {
    const { story, failures } = await process({ writeEnd: () => null });
    expect(story.slice(-2)).toEqual(['refused', 'abandoned']);
    expect(failures).toEqual([]);
  });

  it('whose answer the database refuses fails with an internal error, also if its provider failed', async () => {
    for (const streamParts of [say, breakOff(new AppError('idle_timeout'))]) {
      const { shown, failures } = await process({
        streamParts,
        writeEnd: (ending) => ({ ended: { status: 'failed', messageId: null }, written: toRefused(ending) }),
      });
      expect(shown).toMatchObject({ status: 'failed', messageId: null, contentSha256: null });
      expect(shown.error?.code).toBe('internal_error');
      expect(failures.map(({ code }) => code)).toEqual(['internal_error']);
    }
  });

  it.each<[string, Setup]>([
    ['it is complete', {}],
    ['it fails', { streamParts: fail(new AppError('provider_unavailable')) }],
    ['its claim is lost', { streamParts: fail(new AppError('claim_lost')) }],
    ['its worker stops', { stopping: true }],
    ['the row has moved on', { writeEnd: () => null }],
    ['its end cannot be written', { writeEnd: throwAway }],
    ['it cannot be handed back', { stopping: true, handBack: throwAway }],
    ['its context cannot be built', { claimed: { history: null as unknown as [] } }],
  ])('no longer counts as running if %s', async (_path, setup) => {
    expect(await process({ streamParts: say, ...setup })).toMatchObject({ running: 0 });
  });

  it('rejects and announces nothing if its end cannot be written', async () => {
    const { error, story } = await process({ writeEnd: throwAway });
    expect(error).toBeInstanceOf(Error);
    expect(story.at(-1)).toBe('frozen');
  });
});

function throwAway(): never {
  throw new Error('the database is away');
}
