import type { Response } from 'undici';

/** The longest list of models that is known, OpenRouter's, has less than 1 MB. Counted after decompression. */
const maxBytes = 4 * 1_024 * 1_024;

/** The body of an answer as JSON. Throws where it is longer than the bound, which ends the download, or no JSON. */
export async function readJsonBounded(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
