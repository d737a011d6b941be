/**
 * Text that a client was shown and that cannot be taken back. When an answer starts again, what repeats it is left out; null says that
 * it has become another.
 */
export class ShownText {
  #shown = '';
  /** What the answer says since it started again, until it has caught up with what was shown. */
  #again: string | null = null;

  /** What of it is new to the client. */
  add(text: string): string | null {
    if (this.#again !== null) return this.replace(this.#again + text);
    this.#shown += text;
    return text;
  }

  /** The same for all of the text so far. */
  replace(whole: string): string | null {
    const shown = this.#shown;
    this.#again = whole;
    if (whole.length < shown.length) return shown.startsWith(whole) ? '' : null;
    if (!whole.startsWith(shown)) return null;
    this.#shown = whole;
    this.#again = null;
    return whole.slice(shown.length);
  }

  restart(): void {
    if (this.#shown !== '') this.#again = '';
  }

  /** Whether the client was shown more, or something else, than the answer has said by now. */
  get isAhead(): boolean {
    return this.#again !== null;
  }
}
