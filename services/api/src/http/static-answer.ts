import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import { compress, type Encoding, encodingFor, thoroughly } from './compress.ts';

/** An answer that never changes while the process lives. */
export type StaticAnswer = {
  /** 304 where the client has it. Compressed where the client can read that, each encoding made once. */
  send(request: Request, response: Response): Promise<void>;
};

export function createStaticAnswer(contentType: string, content: string | Buffer): StaticAnswer {
  const body = Buffer.from(content);
  // Weak: the same for every encoding.
  const etag = `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const isCompressible = !contentType.startsWith('image/png');
  const encoded = new Map<Encoding, Promise<Buffer>>();

  function encode(encoding: Encoding): Promise<Buffer> {
    const made = encoded.get(encoding) ?? compress(body, encoding, thoroughly);
    encoded.set(encoding, made);
    return made;
  }

  return {
    async send(request, response) {
      response.setHeader('etag', etag);
      response.type(contentType);
      if (isCompressible) response.vary('Accept-Encoding');
      const encoding = isCompressible && !request.fresh ? encodingFor(request) : null;
      if (encoding === null) return void response.send(body);
      const compressed = await encode(encoding);
      response.setHeader('content-encoding', encoding);
      if (!response.destroyed) response.send(compressed);
    },
  };
}
