import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { FinishedStatus } from '@nexus/protocol/invocation-status';
import type { AttemptUsage } from '../usage-record.ts';
import type { AttemptId } from './attempt-id.ts';

/** What is stored of one call of the provider: its messages and its usage. */
export type Step = {
  /** Empty: no message is stored. */
  text: string;
  textTokens: number | null;
  /** Empty: no thought is stored. */
  reasoning: string;
  inputTokens: number | null;
  finishReason: string | null;
  /** Milliseconds since the first part arrived; null when none did. */
  firstTokenAgoMs: number | null;
  /** null when the provider was not reached. */
  usage: AttemptUsage | null;
};

/** How an attempt ends its invocation, before it is written. Its last step is written with it. */
export type Ending = AttemptId & {
  status: FinishedStatus;
  error: { code: ErrorCode; message: string } | null;
  /** The seq that the terminal event will have. */
  lastSeq: number;
  step: Step;
};
