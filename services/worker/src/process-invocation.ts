import { type AppError, toAppError } from '@nexus/common/app-error';
import type { Claim } from '@nexus/common/claim-invocations';
import { mayPassLater } from '@nexus/common/database-error';
import type { NewEvent } from '@nexus/common/event';
import type { InvocationJob } from '@nexus/common/invocation-queue';
import type { DispatchRow, Finished, Held, Outcome } from '@nexus/common/invocation-status';
import type { AnswerWriter } from './answer/answer-writer.ts';
import { type Ending, toOutcome, toRefused, toTerminalEvent } from './answer/ending.ts';
import { isPassing, type RetryPolicy } from './attempts/retry-before-first-part.ts';
import type { RunningAttempt, RunningAttempts } from './attempts/running-attempts.ts';
import { buildContext, type Context } from './context/build-context.ts';
import type { OnPart, ProviderFinish, ProviderPart } from './providers/provider.ts';
import type { InvocationRecord } from './record-invocation.ts';

export type ProcessorParts = {
  record: InvocationRecord;
  attempts: Pick<RunningAttempts, 'open'>;
  openAnswer: (held: Held, abort: (reason: AppError) => void) => AnswerWriter;
  /** The provider's answer with retries, timeouts and deadline; rejects with AppErrors only. */
  streamParts: (claim: Claim, context: Context, onPart: OnPart, signal: AbortSignal) => Promise<ProviderFinish>;
  countTokens: (text: string) => number;
  /** The database takes everything of an attempt but this ending. */
  onRefused: (held: Held, error: unknown) => void;
  retryPolicy: Pick<RetryPolicy, 'longWaitMs' | 'longestWaitMs' | 'attempts'>;
};

/** How long the log may lag behind a finished invocation before its readers are left to the snapshot. */
const announceLimitMs = 30_000;

/**
 * One job, from claim to the terminal event. The claim may be refused (someone else has it, or it is over): then nothing happens.
 * Every way out of a claimed attempt goes through one conditional write, and only what took effect is announced.
 */
export function createInvocationProcessor(parts: ProcessorParts): (job: InvocationJob) => Promise<void> {
  const { record, attempts, openAnswer, countTokens } = parts;

  return async function processInvocation(job) {
    const claim = await record.claim(job);
    if (!claim) return;
    const attempt = attempts.open(claim);
    const answer = openAnswer(claim, attempt.abort);
    try {
      announceStart(answer, claim);
      const context = buildContext(claim, countTokens);
      const ending = await streamAnswer(answer, claim, context, attempt);
      if (ending.kind === 'lost') return answer.abandon();
      if (ending.kind === 'back') await handBack(answer, claim, context, ending);
      else await finish(answer, claim, context, ending);
    } finally {
      attempt.close();
    }
  };

  function announceStart(answer: AnswerWriter, { attempt, settings, restartReason }: Claim): void {
    if (attempt > 1) {
      answer.write({ type: 'invocation.restarted', data: { attempt, reason: restartReason ?? 'worker_lost' } });
    }
    answer.write({ type: 'invocation.started', data: { attempt, provider: settings.provider, model: settings.model } });
  }

  async function streamAnswer(
    answer: AnswerWriter,
    claim: Claim,
    context: Context,
    attempt: RunningAttempt,
  ): Promise<Ending> {
    let firstPartAt: number | null = null;
    try {
      const onPart = (part: ProviderPart) => {
        firstPartAt ??= performance.now();
        answer.write(toEvent(part));
      };
      const finish = await parts.streamParts(claim, context, onPart, attempt.signal);
      return { kind: 'complete', firstPartAt: firstPartAt ?? performance.now(), ...finish };
    } catch (error) {
      return toEnding(toAppError(error), claim.attempt, firstPartAt);
    }
  }

  function toEnding(error: AppError, attempt: number, firstPartAt: number | null): Ending {
    if (error.code === 'claim_lost') return { kind: 'lost' };
    if (error.code === 'worker_stopping') return { kind: 'back', reason: error.code, delayMs: 0, firstPartAt };
    const { longWaitMs, longestWaitMs, attempts: mostAttempts } = parts.retryPolicy;
    const delayMs = error.retryAfterMs ?? 0;
    const waits = delayMs > longWaitMs && delayMs <= longestWaitMs && attempt < mostAttempts;
    if (firstPartAt === null && waits && isPassing(error.code))
      return { kind: 'back', reason: error.code, delayMs, firstPartAt };
    return { kind: 'broken', error, firstPartAt };
  }

  async function finish(
    answer: AnswerWriter,
    claim: Claim,
    context: Context,
    ending: Ending & { kind: 'complete' | 'broken' },
  ) {
    await answer.located();
    const { outcome, finished } = await write(claim, toOutcome(answer, claim, context, ending, countTokens));
    if (!finished) return answer.abandon();
    if (finished.waiting) void record.dispatchNext(claim.conversationId);
    await answer.end(toTerminalEvent(outcome, finished), announceLimitMs);
  }

  /** What the database refuses for good ends as failed, without its text but paid for: asking again would cost as much and end as well. */
  async function write(claim: Claim, outcome: Outcome): Promise<{ outcome: Outcome; finished: Finished | null }> {
    try {
      return { outcome, finished: await record.finish(claim, outcome) };
    } catch (error) {
      if (mayPassLater(error)) throw error; // given up because this worker stops: another attempt may have better luck
      parts.onRefused(claim, error);
      const refused = toRefused(outcome);
      return { outcome: refused, finished: await record.finish(claim, refused) };
    }
  }

  async function handBack(answer: AnswerWriter, claim: Claim, context: Context, ending: Ending & { kind: 'back' }) {
    answer.abandon();
    const { usage } = toOutcome(answer, claim, context, ending, countTokens);
    const next: DispatchRow | null = await record.handBack(claim, {
      reason: ending.reason,
      delayMs: ending.delayMs,
      usage,
    });
    if (next) await record.dispatch(next);
  }
}

/** Without the NUL character, which Postgres cannot store: what is shown is what is kept. */
function toEvent(part: ProviderPart): NewEvent {
  const type = part.type === 'text-delta' ? 'message.delta' : 'reasoning.delta';
  const text = part.text.includes('\0') ? part.text.replaceAll('\0', '') : part.text;
  return { type, data: { text } };
}
