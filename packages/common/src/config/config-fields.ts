import { isIP } from 'node:net';
import { z } from 'zod';
import { redisProblem, splitRedisUrls } from './redis-urls.ts';

/** Building blocks of the services' configuration schemas, so that one variable means the same everywhere. */

export const port = (standard: number) => z.coerce.number().int().min(0).max(65535).default(standard);

export const milliseconds = (standard: number) => z.coerce.number().int().min(0).max(86_400_000).default(standard);

export const count = (standard: number) => z.coerce.number().int().min(1).max(100_000).default(standard);

/** 0: no limit. */
export const limit = () => z.coerce.number().int().min(0).max(1_000_000_000);

/** A comma-separated list, blanks trimmed, empty entries dropped. */
export const list = () =>
  z.string().transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  );

const isUrlOf = (protocols: string[]) => (text: string) =>
  URL.canParse(text) && protocols.includes(new URL(text).protocol);

/** Where the database is: all that migrations need. */
export const databaseFields = {
  DATABASE_URL: z.string().refine(isUrlOf(['postgres:', 'postgresql:']), 'expected a postgresql:// URL'),
  /** Takes the place of the one in the URL. */
  DATABASE_PASSWORD: z.string().optional(),
};

/** What every service is told. */
export const sharedFields = {
  ...databaseFields,
  DATABASE_POOL_SIZE: count(10),
  REDIS_URL: z
    .string()
    .refine(
      (text) => splitRedisUrls(text).every(isUrlOf(['redis:', 'rediss:'])),
      'expected a redis:// or rediss:// URL',
    ),
  REDIS_PASSWORD: z.string().optional(),
  /** Whether REDIS_URL names nodes of a Redis Cluster. */
  REDIS_CLUSTER: z.stringbool().default(false),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  LOG_FORMAT: z.enum(['json', 'pretty']).default('json'),
};

const headerPattern = /^([\w!#$%&'*+.^`|~-]+) *= *([\t\x20-\x7e]*)$/;

/** `name=value` pairs separated by commas, values percent-encoded where they need to be, as OpenTelemetry writes them. */
function parseHeaders(text: string, context: z.core.$RefinementCtx<string>): Record<string, string> {
  const entries = text.split(',').map((pair) => headerPattern.exec(decode(pair.trim())));
  if (entries.some((entry) => entry === null))
    context.addIssue({ code: 'custom', message: 'expected name=value pairs, separated by commas' });
  return Object.fromEntries(entries.map((entry) => [entry?.[1], entry?.[2]]));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** Where traces go; nowhere without an endpoint. */
export const tracingFields = {
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine(isUrlOf(['http:', 'https:']), 'expected an http:// or https:// URL')
    .optional(),
  /** Secret: they hold the receiver's key. */
  OTEL_EXPORTER_OTLP_HEADERS: z.string().transform(parseHeaders).optional(),
};

/** `keys`: every caller needs one. `off`: nobody does, and nothing listens beyond loopback unless NEXUS_AUTH=off is set on purpose. */
export const authField = { NEXUS_AUTH: z.enum(['keys', 'off']).default('keys') };

const minSecretLength = 32;

/** Who may call what clients call. */
export const accessFields = {
  ...authField,
  /** Signs tokens and encrypts what is secret: newest first, older ones as long as something needs them. */
  NEXUS_SECRETS: list()
    .refine(
      (secrets) => secrets.every((secret) => secret.length >= minSecretLength),
      `expected secrets of at least ${minSecretLength} characters, separated by commas`,
    )
    .default([]),
  /** Names by which a service may be called, beside localhost and addresses; `*` is every name. */
  ALLOWED_HOSTS: list()
    .refine(
      (names) => names.every((name) => /^(?:\*|[a-z\d_](?:[a-z\d_.-]*[a-z\d_])?)$/i.test(name)),
      'expected names without scheme and port, separated by commas, or *',
    )
    .default([]),
  /** Addresses and networks of proxies whose X-Forwarded-* headers count. */
  TRUSTED_PROXIES: list()
    .refine(
      (entries) => entries.every(isNetwork),
      'expected addresses and networks, as in 10.0.0.0/8, separated by commas',
    )
    .default([]),
  /** Origins of browsers' pages that may call, beside the service's own; none by default. */
  CORS_ORIGINS: list().default([]),
};

/** What callers may use of API and gateway. Those without a key count by their address. */
export const limitFields = {
  /** Requests without a good key. Unset: 120 where callers need a key, no limit with NEXUS_AUTH=off. */
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: limit().optional(),
  /** Event streams, long polls and sockets that are open at each process. */
  MAX_STREAMS_PER_KEY: limit().default(10_000),
  /** Unset: 1,000 where callers need a key, no limit with NEXUS_AUTH=off. */
  MAX_STREAMS_PER_ADDRESS: limit().optional(),
};

/** An address, or one with the length of its network's prefix. */
function isNetwork(text: string): boolean {
  const [address = '', prefix] = text.split('/');
  const version = isIP(address);
  if (version === 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

const loopbackHosts = new Set(['127.0.0.1', '::1', 'localhost']);

export function isLoopbackHost(host: string): boolean {
  return loopbackHosts.has(host);
}

type Together = { REDIS_URL: string; REDIS_CLUSTER: boolean };

/** What no variable of a service says alone: whether Redis may be used as it is named. */
export function checkTogether(config: Together, context: z.RefinementCtx): void {
  const message = redisProblem(config.REDIS_URL, config.REDIS_CLUSTER);
  if (message) context.addIssue({ code: 'custom', path: ['REDIS_URL'], message });
}
