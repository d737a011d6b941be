/** What was expected where a text cannot be a provider's key, or null. It goes into a header as it is. */
export function providerKeyProblem(text: string): string | null {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) return 'expected printable ASCII characters in one line';
  // Quotes around it are not part of any key: whoever set it took them for syntax.
  return /^(["'`]).*\1$/.test(text) ? 'expected a key without quotes around it' : null;
}
