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

/** There are no API keys yet, so a service listens beyond loopback only if the operator sets this to off. */
export const authField = { NEXUS_AUTH: oneOf('off').optional() };

/** The settings that decide which callers a service for clients accepts. */
export const accessFields = {
  ...authField,
  /** Host names that the service accepts, besides localhost and IP addresses. `*` is every name. */
  ALLOWED_HOSTS: list()
    .refine(
      (names) => names.every((name) => /^(?:\*|[a-z\d_](?:[a-z\d_.-]*[a-z\d_])?)$/i.test(name)),
      'expected names without scheme and port, separated by commas, or *',
    )
    .default([]),
  /** Origins of web pages that may call, besides the service's own. None by default. */
  CORS_ORIGINS: list()
    .transform((texts) => texts.map(toWebOrigin))
    .refine(
      (origins): origins is string[] => origins.every((origin) => origin !== null),
      'expected origins such as https://app.example.com, separated by commas, without path; not * or null',
    )
    .default([]),
};

const loopbackHosts = new Set(['127.0.0.1', '::1', 'localhost']);

export function isLoopbackHost(host: string): boolean {
  return loopbackHosts.has(host);
}

/** The reason why a service may not listen on this host, or null. */
function hostProblem(host: string, auth: 'off' | undefined): string | null {
  if (isLoopbackHost(host) || auth === 'off') return null;
  return 'expected a loopback address: there is no authentication yet. To allow any address, set NEXUS_AUTH=off';
}

type Together = { NEXUS_AUTH?: 'off' | undefined; REDIS_URL: string; REDIS_CLUSTER: boolean };

/** For `checkTogether`: without this zod skips it while another variable is bad, and one message must name all problems. */
export const always = { when: () => true };

/** Checks that need two variables: the host with NEXUS_AUTH, and REDIS_URL with REDIS_CLUSTER. */
export function checkTogether<H extends string>(host: H) {
  return (config: Together & Record<H, string>, context: z.RefinementCtx): void => {
    const problems = {
      [host]: hostProblem(config[host], config.NEXUS_AUTH),
      REDIS_URL: redisProblem(config.REDIS_URL ?? '', config.REDIS_CLUSTER),
    };
    for (const [name, message] of Object.entries(problems))
      if (message) context.addIssue({ code: 'custom', path: [name], message });
  };
}
