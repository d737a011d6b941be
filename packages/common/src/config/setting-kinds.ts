import { isIP } from 'node:net';
import { z } from 'zod';

/** Kinds of settings. Each takes the trimmed text of a variable, and its message says what was expected. */

/** Decimal digits only: compose and shells read the same `.env`, and treat 1e3 or 0x10 differently. */
export const wholeNumber = (min: number, max: number, standard: number) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
      `expected a whole number from ${min} to ${max}, in digits`,
    )
    .transform(Number)
    .default(standard);

export const port = (standard: number) => wholeNumber(0, 65_535, standard);

export const milliseconds = (standard: number) => wholeNumber(0, 86_400_000, standard);

export const count = (standard: number) => wholeNumber(1, 100_000, standard);

/** One of these words, in any case. */
export const oneOf = <const W extends string>(...words: W[]) =>
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(words, `expected ${words.join(', ')}`));

/** A comma-separated list. Spaces around an entry, and empty entries, do not count. */
export const list = () =>
  z.string().transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  );

/** Text that `problemOf` checks. It returns what was expected, or null if the text is good. */
export const checkedText = (problemOf: (text: string) => string | null) =>
  z.string().superRefine((text, context) => {
    const message = problemOf(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

/** The name or address that a service listens on. */
export const host = () =>
  z
    .string()
    .toLowerCase()
    .transform((text) => text.replace(/^\[(.*)\]$/, '$1'))
    .refine(
      (text) => isIP(text) !== 0 || (/^[a-z\d_]([a-z\d_.-]*[a-z\d_])?$/.test(text) && !/^[\d.]+$/.test(text)),
      'expected a name or an address without scheme and port',
    )
    .default('127.0.0.1');
