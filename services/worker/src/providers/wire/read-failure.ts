import { parseJson } from './parse-json.ts';
import { type Fields, isObject } from './read-fields.ts';

/** A failure as the provider describes it, from the head or from the body of its answer. */
export type Failure = {
  /** The status of the answer's head; undefined for an error inside a stream that began with status 200. */
  httpStatus: number | undefined;
  /** The status that fits best: the head's, or a more precise one that the error itself names. */
  status: number | undefined;
  /** The provider's names for it (codes, types, statuses, reasons), in lower case. */
  names: string[];
  /** The provider's words; may be empty. May quote keys and prompts: show them through `quote` only. */
  words: string;
  /** The body was a page for a browser. */
  isPage: boolean;
  retryAfterMs: number | undefined;
};

const inner = ['error', 'errors', 'detail', 'details', 'innererror', 'metadata', 'violations', 'message', 'raw'];
const naming = [
  'code',
  'type',
  'param',
  'status',
  'reason',
  'error_type',
  'error_code',
  'status_code',
  'statusCode',
  'quotaId',
];
/** The most precise one last. */
const wording = ['title', 'detail', 'error', 'error_msg', 'error_message', 'msg', 'Message', 'message', 'raw'];
const maxDepth = 8;
/** In characters. The rest of a message is neither searched nor shown. */
const maxWords = 4_000;

/** Pydantic quotes its input, which may be a whole prompt. */
const sentBack = /,?\s*(['"])input\1:[\s\S]*$/;

type Found = { names: string[]; words: string[]; status: number | undefined; retryAfterMs: number | undefined };

/** Reads an error's value: a text, an object of any known shape, or a list of them. */
export function readFailure(value: unknown, httpStatus?: number): Failure {
  const found: Found = { names: [], words: [], status: undefined, retryAfterMs: undefined };
  gather(value, found, 0);
  const said = (typeof value === 'string' ? value : (found.words.at(-1) ?? '')).slice(0, maxWords);
  const isPage = /^\s*<(?:!doctype|html|\?xml)/i.test(said);
  const { names, status, retryAfterMs } = found;
  const words = isPage ? titleOf(said) : said.replace(sentBack, '');
  return {
    httpStatus,
    status: moreTelling(httpStatus, status),
    names,
    words,
    isPage,
    retryAfterMs,
  };
}

/** The innermost message is the most precise: around it a gateway says only that its provider returned an error. */
function gather(value: unknown, found: Found, depth: number): void {
  if (depth > maxDepth) return;
  const parsed = typeof value === 'string' && depth > 0 ? parseJson(value) : value; // some nest an error as text
  if (Array.isArray(parsed)) gatherList(parsed, found, depth);
  else if (isObject(parsed)) gatherObject(parsed, found, depth);
}

function gatherObject(error: Fields, found: Found, depth: number): void {
  for (const key of naming) takeName(error[key], found);
  found.retryAfterMs ??= readDelay(error);
  for (const key of wording) if (isWords(error[key])) found.words.push(error[key]);
  for (const key of inner) gather(error[key], found, depth + 1);
}

/** Words that are JSON are read as such instead. */
function isWords(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && typeof parseJson(value) !== 'object';
}

/** A list of errors. FastAPI's errors name a field, the problem, and the input, which is left out. */
function gatherList(list: unknown[], found: Found, depth: number): void {
  const fields = list.filter(isObject).filter(({ loc, msg }) => Array.isArray(loc) && typeof msg === 'string');
  if (fields.length === 0) {
    for (const item of list.slice(0, 20)) gather(item, found, depth + 1);
    return;
  }
  for (const { type } of fields) takeName(type, found);
  found.words.push(fields.map(({ loc, msg }) => `${(loc as unknown[]).join('.')}: ${msg}`).join('; '));
}

function takeName(value: unknown, found: Found): void {
  const status = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  if (status >= 400 && status <= 599) found.status ??= status;
  else if (typeof value === 'string' && value.length <= 100) found.names.push(value.toLowerCase());
}

function readDelay({ retryDelay, retry_after, retry_after_ms }: Fields): number | undefined {
  const ms = typeof retry_after_ms === 'number' ? retry_after_ms : seconds(retryDelay ?? retry_after) * 1_000;
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

/** `27`, `"27"`, or google.rpc.RetryInfo's `"27s"`. */
function seconds(value: unknown): number {
  return typeof value === 'number' || typeof value === 'string' ? Number.parseFloat(String(value)) : Number.NaN;
}

function moreTelling(httpStatus: number | undefined, status: number | undefined): number | undefined {
  const isVague = httpStatus === undefined || httpStatus === 400 || httpStatus >= 500;
  return isVague ? (status ?? httpStatus) : httpStatus;
}

function titleOf(page: string): string {
  return /<title[^>]*>([^<]*)/i.exec(page)?.[1]?.trim() ?? '';
}
