import type { EventEmitter } from 'node:events';
import { AppError } from '../errors/app-error.ts';

export type SpanKind = 'server' | 'producer' | 'consumer' | 'client';

/** null and undefined are left out. */
export type Attributes = Record<string, string | number | boolean | string[] | null | undefined>;

/** Whom a span is about. An agent that was deleted is null. */
export type SpanIds = { invocationId: string; conversationId?: string; agentId?: string | null; attempt?: number };

export type Span = {
  /** W3C trace context: what continues elsewhere names this as its parent. */
  traceparent: string;
  /** The invocation that it was said to be about. */
  invocationId: string | null;
  identify(ids: SpanIds): void;
  rename(name: string): void;
  set(attributes: Attributes): void;
  event(name: string, attributes: Attributes): void;
  /** Marks it as failed, with one of our codes where there is one. */
  fail(type: string): void;
  /** What is said of it afterwards is not heard. */
  end(): void;
};

/** `parent` is a traceparent; null begins a trace, as does one that cannot be read. Left out, the active span is the parent. */
export type NewSpan = { kind: SpanKind; name: string; attributes?: Attributes; parent?: string | null };

/**
 * Tells what happened where, across processes. There is none (null) where nobody listens: what would use it is then not even
 * wrapped.
 */
export type Tracer = {
  start(span: NewSpan): Span;
  /** The span within which the caller runs. */
  active(): Span | null;
  /** Everything that `body` begins, also later, runs within the span. Does not end it. */
  within<T>(span: Span, body: () => T): T;
  /** Listeners added to the emitter from now on run within the span, whoever emits. */
  bind(span: Span, emitter: EventEmitter): void;
  /** Names the active span in a log line. */
  logFields(): Record<string, string>;
};

/** Runs `body` within a span of its own, which ends with it; what it throws is thrown on. */
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

/** Our code, or the name of a foreign error's class; never a message, which may quote what was said. */
export function errorType(error: unknown): string {
  if (error instanceof AppError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}

export type OpenTracer = { tracer: Tracer; close(): Promise<void> };
