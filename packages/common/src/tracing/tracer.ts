import type { EventEmitter } from 'node:events';
import { AppError } from '../errors/app-error.ts';

export type SpanKind = 'server' | 'producer' | 'consumer' | 'client';

/** Attributes that are null or undefined are left out. */
export type Attributes = Record<string, string | number | boolean | string[] | null | undefined>;

/** The ids of a span's subject. A deleted agent is null. */
export type SpanIds = { invocationId: string; conversationId?: string; agentId?: string | null; attempt?: number };

export type Span = {
  /** W3C trace context. A process that continues the trace names this as its parent. */
  traceparent: string;
  /** The invocation that the span is about, if it has been set. */
  invocationId: string | null;
  identify(ids: SpanIds): void;
  rename(name: string): void;
  set(attributes: Attributes): void;
  event(name: string, attributes: Attributes): void;
  /** Marks the span as failed, with one of our error codes if there is one. */
  fail(type: string): void;
  /** Later changes have no effect. */
  end(): void;
};

/** `parent` is a traceparent. null, or one that cannot be parsed, begins a new trace. Without `parent` the active span is the parent. */
export type NewSpan = { kind: SpanKind; name: string; attributes?: Attributes; parent?: string | null };

/**
 * Records what happens in which process. null without a receiver: then no function is even wrapped.
 */
export type Tracer = {
  start(span: NewSpan): Span;
  /** The span in which the caller runs. */
  active(): Span | null;
  /** `body` runs in the span, and so does everything that it starts, also later. Does not end the span. */
  within<T>(span: Span, body: () => T): T;
  /** Listeners that are added to the emitter from now on run in the span. */
  bind(span: Span, emitter: EventEmitter): void;
  /** The fields that name the active span in a log line. */
  logFields(): Record<string, string>;
};

/** Runs `body` in a new span and ends the span with it. Rethrows what `body` throws. */
export async function inSpan<T>(tracer: Tracer, newSpan: NewSpan, body: (span: Span) => Promise<T>): Promise<T> {
  const span = tracer.start(newSpan);
  try {
    return await tracer.within(span, () => body(span));
  } catch (error) {
    span.fail(errorType(error));
    throw error;
  } finally {
    span.end();
  }
}

/** Our error code, or the class name of a foreign error. Never a message: it may quote a prompt or an answer. */
export function errorType(error: unknown): string {
  if (error instanceof AppError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}

export type OpenTracer = { tracer: Tracer; close(): Promise<void> };
