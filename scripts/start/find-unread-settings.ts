import { parseEnv } from 'node:util';

/** Names that other programs read from `.env`: compose and Docker, Node and npm, OpenTelemetry's library, proxies and terminals. */
const ofOthers =
  /^(?:(?:COMPOSE|DOCKER|BUILDKIT|NODE|NPM)_|OTEL_(?!EXPORTER_OTLP|INSTRUMENTATION_GENAI)|(?:HTTPS?|ALL|NO)_PROXY$|(?:NO|FORCE)_COLOR$|TZ$)/i;

/** The names in `.env` that no program reads, mostly typing errors. `.env.example` has every setting. */
export function findUnreadSettings(names: string[], example: string): string[] {
  const settings = Object.keys(parseEnv(example));
  const known = new Set(settings.flatMap((name) => [name, `${name}_FILE`]));
  return names.filter((name) => !known.has(name) && !ofOthers.test(name));
}
