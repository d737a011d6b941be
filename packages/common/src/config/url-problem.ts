import { accessSync, constants } from 'node:fs';

/** Each function returns what was expected if the URL cannot work, or null. It never repeats the URL, which may contain a password. */

const escaped =
  'special characters of the user and password percent-encoded, such as %23 for #, %2F for /, %3F for ? and %25 for %';

/** For servers that we call over HTTP. fetch refuses credentials in a URL, and after ? or # the path that we append would be no path. */
export function webUrlProblem(text: string): string | null {
  if (!isUrlOf(text, ['http:', 'https:'])) return 'expected an http:// or https:// URL';
  const { username, password, port } = new URL(text);
  if (username !== '' || password !== '') return 'expected a URL without user and password: they would not be sent';
  if (/[?#]/.test(text)) return 'expected a URL without ? and #: the path of each call is appended';
  if (port === '0') return 'expected a port from 1 to 65535';
  return null;
}

/** Parameters that name files. The driver reads them before it connects. */
const fileParameters = ['sslcert', 'sslkey', 'sslrootcert'];

export function databaseUrlProblem(text: string): string | null {
  if (!isUrlOf(text, ['postgres:', 'postgresql:'])) return `expected a postgresql:// URL, ${escaped}`;
  const url = new URL(text);
  if (isCutByPassword(url) || !isDecodable(url)) return `expected ${escaped}`;
  if (!['public', null].includes(url.searchParams.get('schema'))) return 'expected no schema but public';
  const unread = fileParameters.find((name) => !isReadable(url.searchParams.get(name)));
  return unread === undefined ? null : `expected ${unread} to name a file that can be read`;
}

export function redisUrlProblem(text: string): string | null {
  if (!isUrlOf(text, ['redis:', 'rediss:'])) return `expected a redis:// or rediss:// URL, ${escaped}`;
  const url = new URL(text);
  if (isCutByPassword(url) || !isDecodable(url)) return `expected ${escaped}`;
  if (url.hostname === '') return 'expected the name or address of a host after redis://';
  if (!/^\/?\d*$/.test(url.pathname)) return 'expected a number as the database after the host';
  return null;
}

function isUrlOf(text: string, protocols: string[]): boolean {
  return URL.canParse(text) && text.includes('//') && protocols.includes(new URL(text).protocol);
}

/** A raw / ? or # in a password ends the host early: the rest of the password, with the @, is then in the path, query or fragment. */
function isCutByPassword({ username, pathname, search, hash }: URL): boolean {
  return hash !== '' || pathname.includes('@') || (username === '' && search.includes('@'));
}

function isReadable(file: string | null): boolean {
  if (file === null || file === '') return true;
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
