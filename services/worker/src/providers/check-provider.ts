import type { ModelList } from './model-list.ts';
import { quote } from './wire/quote.ts';
import { reasonOf } from './wire/reason-of.ts';

/** A provider's title in the log, and the variables that the operator can set. */
export type CheckedProvider = { title: string; baseUrlVariable: string; keyVariable: string | null; list: ModelList };

/** Why a provider will not answer, in one line. */
export type ProviderProblem = { line: string; isReached: boolean };

const maxErrorBytes = 65_536;
const htmlType = /^text\/html/i;

/**
 * Asks a provider for its models and returns why it will not answer, or null. Never throws. Follows no redirect: it would take the key to
 * another server.
 */
export async function checkProvider(
  { title, baseUrlVariable, keyVariable, list }: CheckedProvider,
  limitMs: number,
  signal: AbortSignal,
): Promise<ProviderProblem | null> {
  const where = `${title} at ${new URL(list.url).host}`;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const reached = (line: string) => ({ line: `${where} ${line}`, isReached: true });
  const unreached = (line: string) => ({ line: `${where} ${line}`, isReached: false });
  const check = (...variables: (string | null)[]) => `check ${variables.filter(Boolean).join(' and ')}`;
  try {
    const response = await fetch(list.url, { headers: list.headers, redirect: 'manual', signal: limit });
    const { status } = response;
    const isHtml = htmlType.test(response.headers.get('content-type') ?? '');
    if (status < 400) {
      await response.body?.cancel();
      if (!isHtml || status >= 300) return null;
      return reached(`answers with a web page in place of its models; ${check(baseUrlVariable)}`);
    }
    const words = isHtml ? 'a web page' : withoutKey(wordsOf(await readStart(response)), list);
    const answered = `(${status}${words === '' ? '' : `: ${words}`})`;
    if (status === 401)
      return reached(`rejected the credentials ${answered}; ${check(keyVariable ?? baseUrlVariable)}`);
    if (status === 403 || status === 400)
      return reached(`refused us ${answered}; ${check(keyVariable, baseUrlVariable)}`);
    if (status === 404 || status === 405)
      return reached(`has no list of models there ${answered}; ${check(baseUrlVariable)} if its agents fail`);
    return reached(`answers with an error ${answered}`);
  } catch (error) {
    if (signal.aborted) return null;
    if (limit.aborted) return unreached(`did not answer within ${limitMs / 1_000} s; ${check(baseUrlVariable)}`);
    return unreached(`cannot be reached (${reasonOf(error) ?? wordsOfError(error)}); ${check(baseUrlVariable)}`);
  }
}

/** The cause has the reason: the message of fetch itself is only "fetch failed". */
function wordsOfError(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return quote(cause instanceof Error ? cause.message : String(error));
}

/** Some providers quote the key that they refuse. */
function withoutKey(words: string, { headers }: ModelList): string {
  const keys = Object.values(headers).map((value) => value.replace(/^Bearer /, ''));
  return keys.reduce((text, key) => (key.length < 8 ? text : text.replaceAll(key, '[key]')), words);
}

async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= maxErrorBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The provider's own words, from the fields in which known providers put them. Other bodies are not shown. */
function wordsOf(body: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return '';
  }
  const [first] = Array.isArray(parsed) ? parsed : [parsed];
  const { error, detail, message } = (first ?? {}) as Record<string, unknown>;
  const inner = typeof error === 'object' && error !== null ? (error as Record<string, unknown>).message : error;
  const words = [inner, detail, message].find((each) => typeof each === 'string');
  return words === undefined ? '' : quote(words as string);
}
