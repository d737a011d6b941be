import { type InvocationJob, jobId } from '@nexus/common/queue/invocation-queue';
import { inSpan, type Tracer } from '@nexus/common/tracing/tracer';

/** Opens a consumer span for each job and continues the trace that the job names. Before the claim only the job's ids are known. */
export function traceAttempts(
  process: (job: InvocationJob) => Promise<void>,
  tracer: Tracer | null,
): (job: InvocationJob) => Promise<void> {
  if (!tracer) return process;
  return (job) => {
    const attributes = {
      'messaging.system.name': 'bullmq',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.message.id': jobId(job),
      'nexus.attempt.outcome': 'refused',
    };
    return inSpan(
      tracer,
      { kind: 'consumer', name: 'invoke_agent', parent: job.traceparent ?? null, attributes },
      async (span) => {
        span.identify({ invocationId: job.invocationId });
        await process(job);
      },
    );
  };
}
