import { AppError, toAppError } from '@nexus/common/errors/app-error';
import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import type { DispatchRow } from '@nexus/common/invocations/status/dispatch-row';
import type { Held } from '@nexus/common/invocations/status/held';
import type { Outcome } from '@nexus/common/invocations/status/outcome';
import type { InvocationJob } from '@nexus/common/queue/invocation-queue';
import type { NewEvent } from '@nexus/protocol/event';
import type { AnswerWriter } from './answer/answer-writer.ts';
import { type Ending, toOutcome, toTerminalEvent } from './answer/ending.ts';
import { isPassing, type RetryPolicy } from './attempts/retry-before-first-part.ts';
import type { RunningAttempt, RunningAttempts } from './attempts/running-attempts.ts';
import { buildContext, type Context } from './context/build-context.ts';
import type { OnPart, ProviderFinish, ProviderPart } from './providers/provider.ts';
import type { InvocationRecord } from './record/record-invocation.ts';

export type ProcessorParts = {
  record: InvocationRecord;
  attempts: Pick<RunningAttempts, 'open'>;
  openAnswer: (held: Held, abort: (reason: AppError) => void) => AnswerWriter;
  /** The provider's answer with retries, timeouts and deadline; rejects with AppErrors only. */
  streamParts: (claim: Claim, context: Context, onPart: OnPart, signal: AbortSignal) => Promise<ProviderFinish>;
  countTokens: (text: string) => number;
  onFailed: (held: Held, error: AppError) => void;
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
      if (attempt.signal.aborted)
        return await handBack(answer, claim, { reason: 'worker_stopping', delayMs: 0, usage: null });
      announceStart(answer, claim);
      const context = buildContext(claim, countTokens);
      const ending = await streamAnswer(answer, claim, context, attempt);
      if (ending.kind === 'lost') return answer.abandon();
      if (ending.kind === 'back') {
        const { usage } = toOutcome(answer, claim, context, ending, countTokens);
        await handBack(answer, claim, { reason: ending.reason, delayMs: ending.delayMs, usage });
      } else await finish(answer, claim, context, ending);
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
    const written = await record.finish(claim, toOutcome(answer, claim, context, ending, countTokens));
    if (!written) return answer.abandon();
    if (written.status === 'failed') parts.onFailed(claim, toFailure(ending, written.outcome));
    if (written.waiting) void record.dispatchNext(claim.conversationId);
    await answer.end(toTerminalEvent(written.outcome, written), announceLimitMs);
  }

  async function handBack(answer: AnswerWriter, claim: Claim, how: Parameters<InvocationRecord['handBack']>[1]) {
    answer.abandon();
    const next: DispatchRow | null = await record.handBack(claim, how);
    if (next) await record.dispatch(next);
  }
}

/** Why it failed, as it was written: an answer that the database refused failed otherwise than it ended. */
function toFailure(ending: Ending, { error }: Outcome): AppError {
  if (ending.kind === 'broken' && ending.error.code === error?.code) return ending.error;
  return new AppError(error?.code ?? 'internal_error', error?.message);
}

/** Without the NUL character, which Postgres cannot store: what is shown is what is kept. */
function toEvent(part: ProviderPart): NewEvent {
  const type = part.type === 'text-delta' ? 'message.delta' : 'reasoning.delta';
  const text = part.text.includes('\0') ? part.text.replaceAll('\0', '') : part.text;
  return { type, data: { text } };
}
