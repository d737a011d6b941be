import type { ErrorCode } from '@nexus/protocol/error-codes';
import type { InvocationStatus } from '@nexus/protocol/invocation-status';
import type { AttemptUsage } from '../usage-record.ts';

/** How an invocation ends. Empty text means that no message is kept. */
export type Outcome = {
  status: Exclude<InvocationStatus, 'queued' | 'running'>;
  text: string;
  textTokens: number | null;
  reasoning: string;
  inputTokens: number | null;
  finishReason: string | null;
  error: { code: ErrorCode; message: string } | null;
  /** The seq that the terminal event is going to have. */
  lastSeq: number;
  /** Milliseconds since the first part arrived; null when none did. */
  firstTokenAgoMs: number | null;
  /** null when this attempt did not reach the provider. */
  usage: AttemptUsage | null;
};
