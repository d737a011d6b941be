import { AppError, toAppError } from '@nexus/common/errors/app-error';
import type { AttemptId } from '@nexus/common/invocations/status/attempt-id';
import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import type { Ending } from '@nexus/common/invocations/status/ending';
import type { HandBack } from '@nexus/common/invocations/status/hand-back-invocation';
import type { InvocationJob } from '@nexus/common/queue/invocation-queue';
import type { NewEvent } from '@nexus/protocol/event';
import type { AnswerWriter } from './answer/answer-writer.ts';
import { toEnding } from './answer/to-ending.ts';
import { toStep } from './answer/to-step.ts';
import { toTerminalEvent } from './answer/to-terminal-event.ts';
import type { CallResult } from './attempts/call-result.ts';
import type { RetryPolicy } from './attempts/retry-before-first-part.ts';
import type { RunningAttempts } from './attempts/running-attempts.ts';
import { toHandBack } from './attempts/to-hand-back.ts';
import { buildContext, type Context } from './context/build-context.ts';
import type { OnPart, ProviderFinish, ProviderPart } from './providers/provider.ts';
import type { InvocationRecord } from './record/record-invocation.ts';

export type ProcessorParts = {
  record: InvocationRecord;
  attempts: Pick<RunningAttempts, 'open'>;
  openAnswer: (attempt: AttemptId, abort: (reason: AppError) => void) => AnswerWriter;
  /** Streams the provider's answer, with retries, timeouts and the deadline. Rejects only with AppErrors. */
  streamParts: (claim: Claim, context: Context, onPart: OnPart, signal: AbortSignal) => Promise<ProviderFinish>;
  countTokens: (text: string) => number;
  onFailed: (attempt: AttemptId, error: AppError) => void;
  retryPolicy: Pick<RetryPolicy, 'longWaitMs' | 'maxWaitMs' | 'attempts'>;
};

/** How long a worker tries to publish the end of an invocation. After that, readers get a snapshot from Postgres. */
const announceLimitMs = 30_000;

/**
 * Processes one job, from the claim to the terminal event. If Postgres refuses the claim (another worker has it, or the invocation has ended),
 * nothing happens. Every claimed attempt ends with one conditional write, and is announced only if that write took effect.
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
      const result = await streamAnswer(answer, claim, context, attempt.signal);
      if (result.error?.code === 'claim_lost') return answer.abandon();
      const recordStep = () => toStep(answer, claim, context, result, countTokens);
      const back = toHandBack(result, claim.attempt, parts.retryPolicy);
      if (back) return await handBack(answer, claim, { ...back, usage: recordStep().usage });
      await answer.located();
      await end(answer, claim, toEnding(claim, recordStep(), result.error, answer.freeze()), result.error);
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
    signal: AbortSignal,
  ): Promise<CallResult> {
    let firstPartAt: number | null = null;
    try {
      const onPart = (part: ProviderPart) => {
        firstPartAt ??= performance.now();
        answer.write(toEvent(part));
      };
      const finish = await parts.streamParts(claim, context, onPart, signal);
      return { finish, error: null, firstPartAt: firstPartAt ?? performance.now() };
    } catch (error) {
      return { finish: null, error: toAppError(error), firstPartAt };
    }
  }

  async function end(answer: AnswerWriter, claim: Claim, ending: Ending, error: AppError | null) {
    const took = await record.end(claim, ending, async (ended, written) => {
      if (ended.status === 'failed') parts.onFailed(claim, toFailure(error, written));
      await answer.end(toTerminalEvent(ended, written), announceLimitMs);
    });
    if (!took) answer.abandon();
  }

  async function handBack(answer: AnswerWriter, claim: Claim, how: HandBack) {
    answer.abandon();
    await record.handBack(claim, how);
  }
}

/** The error that Postgres stored. It is not `error` if Postgres refused the answer: then the stored one is `internal_error`. */
function toFailure(error: AppError | null, written: Ending): AppError {
  if (error && error.code === written.error?.code) return error;
  return new AppError(written.error?.code ?? 'internal_error', written.error?.message);
}

/** Removes NUL characters, which Postgres cannot store: clients must see the same text as the stored message. */
function toEvent(part: ProviderPart): NewEvent {
  const type = part.type === 'text-delta' ? 'message.delta' : 'reasoning.delta';
  const text = part.text.includes('\0') ? part.text.replaceAll('\0', '') : part.text;
  return { type, data: { text } };
}
