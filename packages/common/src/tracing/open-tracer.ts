import type { Logger } from '../logging/create-logger.ts';
import type { OpenTracer } from './tracer.ts';

/** The settings of `tracingFields`, parsed. */
export type TracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  OTEL_EXPORTER_OTLP_HEADERS?: Record<string, string> | undefined;
};

/** null without an endpoint. Then no code of OpenTelemetry is loaded. */
export async function openTracer(
  service: string,
  settings: TracingSettings,
  logger: () => Pick<Logger, 'warn' | 'info'>,
): Promise<OpenTracer | null> {
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return null;
  const { openOpenTelemetry } = await import('./open-telemetry.ts');
  return openOpenTelemetry(service, { endpoint, headers: settings.OTEL_EXPORTER_OTLP_HEADERS ?? {} }, logger);
}
