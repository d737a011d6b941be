import { parseEnv } from 'node:util';

/** What others than the project read there: compose and Docker, Node and npm, OpenTelemetry's library, and what proxies and terminals go by. */
const ofOthers =
  /^(?:(?:COMPOSE|DOCKER|BUILDKIT|NODE|NPM)_|OTEL_(?!EXPORTER_OTLP|INSTRUMENTATION_GENAI)|(?:HTTPS?|ALL|NO)_PROXY$|(?:NO|FORCE)_COLOR$|TZ$)/i;

/** The names that `.env` sets and nobody reads, mostly a slip of the pen: `.env.example` has every setting. */
export function findUnreadSettings(names: string[], example: string): string[] {
  const settings = Object.keys(parseEnv(example));
  const known = new Set(settings.flatMap((name) => [name, `${name}_FILE`]));
  return names.filter((name) => !known.has(name) && !ofOthers.test(name));
}
