import { once } from 'node:events';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';

export type Encoding = 'gzip' | 'br' | 'deflate';

const compressors = { gzip: createGzip, br: createBrotliCompress, deflate: createDeflate };

/** Each piece compressed as far as it goes, so that it can be read before the next one comes. */
export async function compress(encoding: Encoding, pieces: string[]): Promise<Uint8Array[]> {
  const compressor = compressors[encoding]();
  const compressed: Uint8Array[] = [];
  const flush = encoding === 'br' ? constants.BROTLI_OPERATION_FLUSH : constants.Z_SYNC_FLUSH;
  for (const piece of pieces) {
    compressor.write(piece);
    await new Promise<void>((resolve) => compressor.flush(flush, resolve));
    compressed.push(compressor.read());
  }
  compressor.end();
  await once(compressor, 'readable');
  const last: Uint8Array | null = compressor.read();
  return last ? [...compressed, last] : compressed;
}
