import type { Request, Response } from 'express';
import { compress, encodingFor } from './compress.ts';

/** Characters below which compressing costs more than it saves. */
const minLength = 1_024;

/**
 * Sends a value as JSON, compressed where it is long and the client can read that. A secret stays as it is: its compressed length would tell
 * what else in the answer repeats it (BREACH).
 */
export async function sendJson(request: Request, response: Response, value: unknown, isSecret: boolean): Promise<void> {
  const text = JSON.stringify(value);
  response.type('json');
  if (isSecret || text.length < minLength) return void response.send(text);
  response.vary('Accept-Encoding');
  const encoding = encodingFor(request);
  if (encoding === null) return void response.send(text);
  const compressed = await compress(Buffer.from(text), encoding);
  response.setHeader('content-encoding', encoding);
  if (!response.destroyed) response.send(compressed);
}
