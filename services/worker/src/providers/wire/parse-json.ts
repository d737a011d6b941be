/** The value of a JSON text; undefined where it is none. The parser's error is dropped, as it quotes what may be an answer. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
