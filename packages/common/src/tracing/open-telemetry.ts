import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createContextKey,
  type Attributes as OtelAttributes,
  SpanKind as OtelKind,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from '../logging/create-logger.ts';
import type { Attributes, OpenTracer, Span, SpanKind } from './tracer.ts';

type Log = () => Pick<Logger, 'warn' | 'info'>;

const sendEveryMs = 1_000;
const sendLimitMs = 5_000;
/** A process that stops waits no longer than this for the receiver. */
const flushLimitMs = 2_000;
/** Spans may contain messages, so limit how many wait, and how many go in one request. */
const maxWaiting = 2_048;
const maxAtOnce = 128;

const kinds: Record<SpanKind, OtelKind> = {
  server: OtelKind.SERVER,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
  client: OtelKind.CLIENT,
};

const activeSpan = createContextKey('agent-nexus active span');

/**
 * The tracer with OpenTelemetry, which sends OTLP over HTTP. It sets nothing global. If the caller decided not to sample, it sends nothing. It drops
 * spans that it cannot deliver.
 */
export function openOpenTelemetry(
  service: string,
  { endpoint, headers }: { endpoint: string; headers: Record<string, string> },
  log: Log,
): OpenTracer {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: sendLimitMs });
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': `nexus-${service}`,
        'service.namespace': 'agent-nexus',
        'service.instance.id': randomUUID(),
        'host.name': hostname(),
      }),
    ),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reportTrouble(exporter, log),
        scheduledDelayMillis: sendEveryMs,
        maxQueueSize: maxWaiting,
        maxExportBatchSize: maxAtOnce,
      }),
    ],
  });
  const otel = provider.getTracer('agent-nexus');
  const contexts = new AsyncLocalStorageContextManager();
  const active = () => (contexts.active().getValue(activeSpan) as OpenSpan | undefined) ?? null;

  return {
    tracer: {
      active,
      start({ kind, name, attributes = {}, parent }) {
        const above = parent === undefined ? active()?.context : parent === null ? null : parseTraceParent(parent);
        const context = above
          ? trace.setSpanContext(ROOT_CONTEXT, { ...above, isRemote: parent !== undefined })
          : ROOT_CONTEXT;
        return toSpan(otel.startSpan(name, { kind: kinds[kind], attributes: given(attributes) }, context));
      },
      within: (span, body) => contexts.with(ROOT_CONTEXT.setValue(activeSpan, span), body),
      bind: (span, emitter) => void contexts.bind(ROOT_CONTEXT.setValue(activeSpan, span), emitter),
      logFields() {
        const context = active()?.context;
        return context ? { trace_id: context.traceId, span_id: context.spanId } : {};
      },
    },
    async close() {
      const flushed = provider.shutdown().catch(() => {}); // reportTrouble has logged the failure
      await Promise.race([flushed, sleep(flushLimitMs, undefined, { ref: false })]);
    },
  };
}

type OpenSpan = Span & { context: SpanContext };

function toSpan(span: OtelSpan): OpenSpan {
  const context = span.spanContext();
  const { traceId, spanId, traceFlags } = context;
  return {
    context,
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    invocationId: null,
    identify({ invocationId, conversationId, agentId, attempt }) {
      this.invocationId = invocationId;
      this.set({
        'nexus.invocation.id': invocationId,
        'gen_ai.conversation.id': conversationId,
        'gen_ai.agent.id': agentId,
        'nexus.invocation.attempt': attempt,
      });
    },
    rename: (name) => void span.updateName(name),
    set: (attributes) => void span.setAttributes(given(attributes)),
    event: (name, attributes) => void span.addEvent(name, given(attributes)),
    fail(type) {
      span.setAttribute('error.type', type);
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
    end() {
      if (span.isRecording()) span.end();
    },
  };
}

function given(attributes: Attributes): OtelAttributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined),
  ) as OtelAttributes;
}

/** Logs one line when the receiver goes away and one when it is back, however many spans are dropped in between. */
function reportTrouble(exporter: SpanExporter, log: Log): SpanExporter {
  let away = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed && !away)
          log().warn({ reason: reasonOf(result.error) }, 'traces cannot be delivered and are dropped');
        if (!failed && away) log().info('traces are delivered again');
        away = failed;
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

function reasonOf(error: Error | undefined): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return error?.message || String(code ?? 'unknown');
}
