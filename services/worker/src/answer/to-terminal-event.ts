import { sha256 } from '@nexus/common/feeds/load-snapshot';
import type { Ended } from '@nexus/common/invocations/status/ended';
import type { Ending } from '@nexus/common/invocations/status/ending';
import { errorMeanings } from '@nexus/protocol/error-codes';
import type { NewEvent } from '@nexus/protocol/event';

/** The event that announces the end as it was written. `status` may differ from the ending's: a cancel that was committed earlier wins. */
export function toTerminalEvent({ status, messageId }: Ended, { step, error }: Ending): NewEvent {
  const contentSha256 = messageId === null ? null : sha256(step.text);
  if (status === 'completed' && step.usage) {
    const { costMicroUsd: _cost, priceTableVersion: _version, ...usage } = step.usage;
    return {
      type: 'invocation.completed',
      data: { messageId, finishReason: step.finishReason ?? 'other', usage, contentSha256: sha256(step.text) },
    };
  }
  if (status === 'cancelled') return { type: 'invocation.cancelled', data: { messageId, contentSha256 } };
  const code = error?.code ?? 'internal_error';
  const { title, retryable } = errorMeanings[code];
  return {
    type: 'invocation.failed',
    data: { error: { code, message: error?.message ?? title, retryable }, messageId, contentSha256 },
  };
}
