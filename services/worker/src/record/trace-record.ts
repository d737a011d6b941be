import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import type { Ended } from '@nexus/common/invocations/status/ended';
import type { Ending } from '@nexus/common/invocations/status/ending';
import { queueName } from '@nexus/common/queue/invocation-queue';
import { isProviderName } from '@nexus/common/queue/provider-name';
import type { Span, Tracer } from '@nexus/common/tracing/tracer';
import { toRequestAttributes, toUsageAttributes } from '../tracing/gen-ai-attributes.ts';
import type { InvocationRecord } from './record-invocation.ts';

/**
 * Records the result of each write in the attempt's span. The outcome is `refused` until the claim, and then `lost` until an end or a
 * hand-back takes effect.
 */
export function traceRecord(record: InvocationRecord, tracer: Tracer | null): InvocationRecord {
  if (!tracer) return record;
  return {
    async claim(job) {
      const claim = await record.claim(job);
      const span = tracer.active();
      if (claim && span) tellClaim(span, claim);
      return claim;
    },
    end: (claim, ending, announce) =>
      record.end(claim, ending, (ended, written) => {
        const span = tracer.active();
        if (span) tellEnd(span, ended, written);
        return announce(ended, written);
      }),
    async handBack(claim, how) {
      const took = await record.handBack(claim, how);
      if (took) tracer.active()?.set({ 'nexus.attempt.outcome': 'handed_back', 'nexus.attempt.reason': how.reason });
      return took;
    },
  };
}

function tellClaim(span: Span, claim: Claim): void {
  const { settings, agentName } = claim;
  if (agentName !== null) span.rename(`invoke_agent ${agentName}`);
  span.identify(claim);
  span.set({
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': agentName,
    ...toRequestAttributes(settings.provider, settings),
    'messaging.destination.name': isProviderName(settings.provider) ? queueName(settings.provider) : null,
    'nexus.invocation.waited_ms': Math.round(claim.waitedMs),
    'nexus.attempt.outcome': 'lost',
  });
}

/** `status` may differ from the ending's: a cancel that was committed earlier wins. */
function tellEnd(span: Span, { status, messageId }: Ended, { step, error, lastSeq }: Ending): void {
  span.set({ 'nexus.attempt.outcome': status });
  if (step.usage) span.set(toUsageAttributes(step.usage));
  if (step.finishReason !== null) span.set({ 'gen_ai.response.finish_reasons': [step.finishReason] });
  if (status === 'failed') span.fail(error?.code ?? 'internal_error');
  span.event(`invocation.${status}`, { 'nexus.message.id': messageId, 'nexus.event.seq': lastSeq });
}
