import { isIP } from 'node:net';
import { z } from 'zod';
import { redisProblem, splitRedisUrls } from './redis-urls.ts';
import { checkedText, count, list, oneOf } from './setting-kinds.ts';
import { databaseUrlProblem, redisUrlProblem, webUrlProblem } from './url-problem.ts';
import { toWebOrigin } from './web-origin.ts';

/** The settings that several services share. */

/** The address of the database. Migrations need nothing else. */
export const databaseFields = {
  DATABASE_URL: checkedText(databaseUrlProblem),
  /** Replaces the password in the URL. */
  DATABASE_PASSWORD: z.string().optional(),
};

/** The settings of every service. */
export const sharedFields = {
  ...databaseFields,
  DATABASE_POOL_SIZE: count(10),
  REDIS_URL: checkedText(
    (text) =>
      splitRedisUrls(text)
        .map(redisUrlProblem)
        .find((problem) => problem !== null) ?? null,
  ),
  REDIS_PASSWORD: z.string().optional(),
  /** Whether REDIS_URL names nodes of a Redis Cluster. */
  REDIS_CLUSTER: z.stringbool().default(false),
  LOG_LEVEL: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('info'),
  LOG_FORMAT: oneOf('json', 'pretty').default('json'),
};

const headerPattern = /^([\w!#$%&'*+.^`|~-]+) *= *([\t\x20-\x7e]*)$/;

/** `name=value` pairs separated by commas, with percent-encoded values, as OpenTelemetry defines them. */
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

/** Where traces go. Without an endpoint there are none. */
export const tracingFields = {
  OTEL_EXPORTER_OTLP_ENDPOINT: checkedText(webUrlProblem)
    .transform((text) => text.replace(/\/v1\/traces\/*$/, '')) // the exporter appends it
    .optional(),
  /** Secret: the headers contain the receiver's key. */
  OTEL_EXPORTER_OTLP_HEADERS: z.string().transform(parseHeaders).optional(),
};

/** `keys`: every caller needs one. `off`: nobody does, and nothing listens beyond loopback unless NEXUS_AUTH=off is set on purpose. */
export const authField = { NEXUS_AUTH: oneOf('keys', 'off').default('keys') };

const minSecretLength = 32;

export const secretsField = {
  /** Signs tokens and encrypts what is secret: newest first, older ones as long as something needs them. */
  NEXUS_SECRETS: list()
    .refine(
      (secrets) => secrets.every((secret) => secret.length >= minSecretLength),
      `expected secrets of at least ${minSecretLength} characters, separated by commas`,
    )
    .default([]),
};

const hostName = /^[a-z\d_](?:[a-z\d_.-]*[a-z\d_])?$/i;

/** What the services call for tenants: the guard's allow-list, and the secrets that their keys are encrypted with. */
export const connectionFields = {
  ...secretsField,
  /** Host names, addresses and networks that tenants may call although they are not of the public internet. */
  ADDRESS_ALLOW_LIST: list()
    .refine(
      (entries) => entries.every((entry) => isNetwork(entry) || (hostName.test(entry) && !/^[\d.x]+$/i.test(entry))),
      'expected host names, addresses and networks, as in ollama.internal, 10.0.0.0/8, separated by commas',
    )
    .default([]),
};

/** The settings that decide which callers a service for clients accepts. */
export const accessFields = {
  ...authField,
  ...secretsField,
  /** Names by which a service may be called, beside localhost and addresses; `*` is every name. */
  ALLOWED_HOSTS: list()
    .refine(
      (names) => names.every((name) => name === '*' || hostName.test(name)),
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
  CORS_ORIGINS: list()
    .transform((texts) => texts.map(toWebOrigin))
    .refine(
      (origins): origins is string[] => origins.every((origin) => origin !== null),
      'expected origins such as https://app.example.com, separated by commas, without path; not * or null',
    )
    .default([]),
};

/** An address, or one with the length of its network's prefix. */
function isNetwork(text: string): boolean {
  const [address = '', prefix] = text.split('/');
  const version = isIP(address);
  if (version === 0) return false;
  return (
    prefix === undefined ||
    (/^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= (version === 4 ? 32 : 128))
  );
}

const loopbackHosts = new Set(['127.0.0.1', '::1', 'localhost']);

export function isLoopbackHost(host: string): boolean {
  return loopbackHosts.has(host);
}

type Together = { REDIS_URL: string; REDIS_CLUSTER: boolean };

/** For `checkTogether`: without this zod skips it while another variable is bad, and one message must name all problems. */
export const always = { when: () => true };

/** What no variable of a service says alone: whether Redis may be used as it is named. */
export function checkTogether(config: Together, context: z.RefinementCtx): void {
  const message = redisProblem(config.REDIS_URL ?? '', config.REDIS_CLUSTER);
  if (message) context.addIssue({ code: 'custom', path: ['REDIS_URL'], message });
}
