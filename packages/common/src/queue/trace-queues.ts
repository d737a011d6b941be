import { inSpan, type Tracer } from '../tracing/tracer.ts';
import { type InvocationQueues, jobId, queueName } from './invocation-queue.ts';

/**
 * A job carries the trace of the request that created its invocation. If the sweep adds the job, or the end of the invocation before it in the
 * line, the job carries no trace, and its worker begins a new one.
 */
export function traceQueues(queues: InvocationQueues, tracer: Tracer | null): InvocationQueues {
  if (!tracer) return queues;
  return {
    ...queues,
    add(dispatch) {
      if (tracer.active()?.invocationId !== dispatch.invocationId) return queues.add(dispatch);
      const queue = queueName(dispatch.provider);
      const attributes = {
        'messaging.system.name': 'bullmq',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': queue,
        'messaging.message.id': jobId(dispatch),
      };
      return inSpan(tracer, { kind: 'producer', name: `send ${queue}`, attributes }, (span) => {
        span.identify({ invocationId: dispatch.invocationId });
        return queues.add({ ...dispatch, traceparent: span.traceparent });
      });
    },
  };
}
