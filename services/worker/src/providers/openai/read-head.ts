import OpenAI from 'openai';
import type { PostRequest } from '../wire/post.ts';

/** The URL and the headers of a request. */
export type OpenAiHead = Pick<PostRequest, 'url' | 'headers' | 'credentials'>;

/** Headers that any server may get. All others go only to the origin that the key is for. */
const open = new Set(['accept', 'content-type', 'user-agent']);

/**
 * The client library adds settings from the shell (OPENAI_ORG_ID, OPENAI_PROJECT_ID, OPENAI_CUSTOM_HEADERS) to its headers. They are meant
 * for OpenAI, so only OpenAI's own servers get the library's headers.
 */
export async function readHead(apiKey: string, baseUrl: string): Promise<OpenAiHead> {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`;
  const all = isOwn(url)
    ? await readOwnHead(apiKey, baseUrl)
    : { accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'agent-nexus' };
  const headers = Object.fromEntries(Object.entries(all).filter(([name]) => open.has(name)));
  const credentials = Object.fromEntries(Object.entries(all).filter(([name]) => !open.has(name)));
  return { url, headers, credentials: { authorization: `Bearer ${apiKey}`, ...credentials } };
}

/** api.openai.com, or the host of a region like eu.api.openai.com. */
function isOwn({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' && /(^|\.)api\.openai\.com$/.test(hostname);
}

async function readOwnHead(apiKey: string, baseURL: string): Promise<Record<string, string>> {
  const client = new OpenAI({ apiKey, adminAPIKey: null, baseURL, logLevel: 'off' });
  const { req } = await client.buildRequest({ method: 'post', path: '/chat/completions', body: {} });
  const { 'content-length': _, ...headers } = Object.fromEntries(new Headers(req.headers));
  return headers;
}
