import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitUntil } from './wait-until.ts';

type Value = {
  stringValue?: string;
  intValue?: number | string;
  doubleValue?: number;
  boolValue?: boolean;
  arrayValue?: { values?: Value[] };
};
type KeyValues = { key: string; value: Value }[];
type WireSpan = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes?: KeyValues;
  events?: { name: string; attributes?: KeyValues }[];
  status?: { code?: number };
};
type WireBody = {
  resourceSpans: { resource: { attributes: KeyValues }; scopeSpans: { spans: WireSpan[] }[] }[];
};

export type ReceivedSpan = {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  service: unknown;
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  failed: boolean;
};

export type TraceReceiver = {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  requests: { path: string | undefined; headers: IncomingHttpHeaders; body: string }[];
  spans(): ReceivedSpan[];
  /** Waits until at least `count` spans fit, and returns them. */
  received(fits: (span: ReceivedSpan) => boolean, count: number): Promise<ReceivedSpan[]>;
  close(): Promise<void>;
};

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const failed = 2;

/** A collector: accepts OTLP over HTTP as JSON, and keeps the spans. */
export async function openTraceReceiver(): Promise<TraceReceiver> {
  const requests: TraceReceiver['requests'] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push({ path: request.url, headers: request.headers, body });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const spans = () => requests.flatMap(({ body }) => toSpans(JSON.parse(body) as WireBody));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans,
    received: (fits, count) =>
      waitUntil(
        () => {
          const fitting = spans().filter(fits);
          return fitting.length >= count ? fitting : null;
        },
        { what: `${count} spans` },
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function toSpans({ resourceSpans }: WireBody): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId || null,
        name: span.name,
        kind: kinds[span.kind] ?? 'internal',
        service: toRecord(resource.attributes)['service.name'],
        attributes: toRecord(span.attributes),
        events: (span.events ?? []).map((event) => ({ name: event.name, attributes: toRecord(event.attributes) })),
        failed: span.status?.code === failed,
      })),
    ),
  );
}

function toRecord(attributes: KeyValues = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toPlain(value)]));
}

function toPlain({ stringValue, intValue, doubleValue, boolValue, arrayValue }: Value): unknown {
  if (arrayValue) return (arrayValue.values ?? []).map(toPlain);
  return stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : Number(intValue));
}
