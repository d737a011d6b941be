import { baseUrlProblem, providerAddresses } from '@nexus/common/providers/base-url';
import { providerKeyProblem } from '@nexus/common/providers/provider-key';
import { type ProviderName, providerNames } from '@nexus/common/queue/provider-name';
import { z } from 'zod';
import { id, text } from '../http/parse-input.ts';

const maxKeys = 20;
const maxHeaders = 20;

/** What a call itself sets: the framing of HTTP, and what the body is. */
const ownHeaders =
  /^(?:host|connection|keep-alive|upgrade|te|trailer|expect|transfer-encoding|content-.*|accept-encoding|proxy-.*|cookie)$/i;

const headerName = z
  .string()
  .max(100, 'expected at most 100 characters')
  .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'expected the name of a header')
  .refine((name) => !ownHeaders.test(name), 'is a header that each call sets itself');
const headerValue = z
  .string()
  .max(4_000, 'expected at most 4000 characters')
  .regex(/^[\x20-\x7e]*$/, 'expected printable ASCII characters in one line');

const newConnectionKey = z.strictObject({
  key: z
    .string()
    .max(4_000, 'expected at most 4000 characters')
    .superRefine((value, context) => {
      const message = providerKeyProblem(value);
      if (message !== null) context.addIssue({ code: 'custom', message });
    })
    .describe('Stored encrypted; afterwards its last four characters are shown'),
});
const storedConnectionKey = z.strictObject({ id: id().describe('A key that the connection has already') });

const fields = {
  name: text(200)
    .min(1, 'must not be empty')
    .refine((name) => name.toLowerCase() !== 'default', 'default is what an agent without a connection uses'),
  baseUrl: text(2_000)
    .nullable()
    .describe('Without the path that each call appends. null: the address of the provider itself'),
  headers: z
    .record(headerName, headerValue)
    .refine((headers) => Object.keys(headers).length <= maxHeaders, `expected at most ${maxHeaders}`)
    .refine((headers) => hasNoDoubles(Object.keys(headers)), 'names a header twice')
    .describe('Sent with each call; stored encrypted, afterwards only their names are shown'),
  concurrency: z.number().int().min(1).max(10_000).nullable().describe('Calls at once; null: no limit'),
  ratePerMinute: z.number().int().min(1).max(1_000_000).nullable().describe('Calls that begin; null: no limit'),
};

export const newConnection = z
  .strictObject({
    ...fields,
    provider: z.enum(providerNames as [ProviderName, ...ProviderName[]], `expected one of ${providerNames.join(', ')}`),
    baseUrl: fields.baseUrl.default(null),
    headers: fields.headers.default({}),
    keys: z.array(newConnectionKey).max(maxKeys).default([]).describe('In the order in which they are tried'),
    concurrency: fields.concurrency.default(null),
    ratePerMinute: fields.ratePerMinute.default(null),
  })
  .superRefine(({ provider, baseUrl, headers, keys }, context) => {
    const report = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    const problem = findBaseUrlProblem(provider, baseUrl);
    if (problem !== null) report('baseUrl', problem);
    const needless = findNeedless(provider, { keys, headers });
    if (needless !== null) report(needless, `expected none: ${provider} is built in`);
  });

/** `keys` is the whole list that the connection is to have: those that stay by their ids, new ones beside them. */
export const connectionPatch = z
  .strictObject({
    ...fields,
    keys: z
      .array(z.union([storedConnectionKey, newConnectionKey], 'expected { id } or { key }'))
      .max(maxKeys)
      .refine((keys) => hasNoDoubles(keys.flatMap((key) => ('id' in key ? [key.id] : []))), 'names a key twice'),
  })
  .partial();

export type KeyInput = z.infer<typeof storedConnectionKey> | z.infer<typeof newConnectionKey>;

/** What was expected as this provider's base URL, or null; null as a URL asks for the provider's own. */
export function findBaseUrlProblem(provider: ProviderName, baseUrl: string | null): string | null {
  if (baseUrl !== null) return baseUrlProblem(provider, baseUrl);
  const address = providerAddresses[provider];
  return address && address.standard === null ? `is required for ${provider}` : null;
}

/** Of a provider that is built in: the field that it has no use for, or null. */
export function findNeedless(
  provider: ProviderName,
  { keys = [], headers = {} }: { keys?: unknown[] | undefined; headers?: object | undefined },
): 'keys' | 'headers' | null {
  if (providerAddresses[provider] !== null) return null;
  if (keys.length > 0) return 'keys';
  return Object.keys(headers).length > 0 ? 'headers' : null;
}

function hasNoDoubles(names: string[]): boolean {
  return new Set(names.map((name) => name.toLowerCase())).size === names.length;
}
