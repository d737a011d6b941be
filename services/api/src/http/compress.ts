import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Request } from 'express';

export type Encoding = 'br' | 'gzip';

const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);

/** What is made anew for each answer: as fast as gzip, and smaller. */
export const quickly = 4;
/** What is made once: a third smaller, and some tenths of a second for a megabyte. */
export const thoroughly = 9;

/** The encoding that the client takes and we like best; null: none. */
export function encodingFor(request: Request): Encoding | null {
  const encoding = request.acceptsEncodings('br', 'gzip', 'identity');
  return encoding === 'br' || encoding === 'gzip' ? encoding : null;
}

/** In a thread of its own: meanwhile the process goes on. */
export function compress(body: Buffer, encoding: Encoding, quality = quickly): Promise<Buffer> {
  if (encoding === 'gzip')
    return toGzip(body, { level: quality === quickly ? constants.Z_DEFAULT_COMPRESSION : quality });
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  return toBrotli(body, { params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_SIZE_HINT]: body.length } });
}
