import type { Claim } from '@nexus/common/invocations/status/claim-invocations';
import { queueName } from '@nexus/common/queue/invocation-queue';
import { isProviderName } from '@nexus/common/queue/provider-name';
import type { Span, Tracer } from '@nexus/common/tracing/tracer';
import { toRequestAttributes, toUsageAttributes } from '../tracing/gen-ai-attributes.ts';
import type { InvocationRecord, Written } from './record-invocation.ts';

/**
 * Tells the attempt's span what its writes came to. Each write replaces the outcome that stood there: refused, until it is claimed;
 * lost, until one of its own writes took effect.
 */
export function traceRecord(record: InvocationRecord, tracer: Tracer | null): InvocationRecord {
  if (!tracer) return record;
  return {
    ...record,
    async claim(job) {
      const claim = await record.claim(job);
      const span = tracer.active();
      if (claim && span) tellClaim(span, claim);
      return claim;
    },
    async finish(held, outcome) {
      const written = await record.finish(held, outcome);
      const span = tracer.active();
      if (written && span) tellEnd(span, written);
      return written;
    },
    async handBack(held, how) {
      const next = await record.handBack(held, how);
      if (next) tracer.active()?.set({ 'nexus.attempt.outcome': 'handed_back', 'nexus.attempt.reason': how.reason });
      return next;
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

/** The row may have overruled the outcome: a cancel that came in time wins. */
function tellEnd(span: Span, { outcome, status, messageId }: Written): void {
  span.set({ 'nexus.attempt.outcome': status });
  if (outcome.usage) span.set(toUsageAttributes(outcome.usage));
  if (outcome.finishReason !== null) span.set({ 'gen_ai.response.finish_reasons': [outcome.finishReason] });
  if (status === 'failed') span.fail(outcome.error?.code ?? 'internal_error');
  span.event(`invocation.${status}`, { 'nexus.message.id': messageId, 'nexus.event.seq': outcome.lastSeq });
}
