/** The value of a JSON text; undefined if the text is not JSON. Drops the parser's error, because it may quote an answer. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
