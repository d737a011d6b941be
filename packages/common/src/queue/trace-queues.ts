import { inSpan, type Tracer } from '../tracing/tracer.ts';
import { type InvocationQueues, jobId, queueName } from './invocation-queue.ts';

/**
 * A job joins the trace within which its own invocation is enqueued. One that somebody else lets go (the sweep, or the end of the
 * one before it in line) carries nothing, and its worker begins a trace.
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
