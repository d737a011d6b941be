import type { OnPart, ProviderFinish } from '../provider.ts';
import { cutShort } from '../wire/interrupted.ts';
import type { ProviderIdentity } from '../wire/provider-identity.ts';
import { readFailure } from '../wire/read-failure.ts';
import { createFieldReader, type Fields } from '../wire/read-fields.ts';
import { readFinishReason, type Verdict } from '../wire/read-finish-reason.ts';
import { type ContentKind, tellContent } from '../wire/tell-content.ts';
import { toProviderError } from '../wire/to-provider-error.ts';
import { readUsage } from './read-usage.ts';

export type OllamaAnswer = {
  /** Reads the next line and passes its parts on. Throws if the line holds an error. */
  take(value: unknown): void;
  /** Call it after the last line. */
  finish(): ProviderFinish;
};

/** With these reasons Ollama has only loaded or unloaded the model, and has not answered. */
const ownReasons: Record<string, Verdict> = { load: 'failure', unload: 'failure' };

/** Reads one answer line by line. The line with `done` has the reason and the counts. Without it the answer was cut off. */
export function createOllamaAnswer(identity: ProviderIdentity, onPart: OnPart): OllamaAnswer {
  const { title } = identity;
  const read = createFieldReader(title);
  let last: Fields | null = null;
  let hasText = false;

  function tell(kind: ContentKind, text: string): void {
    if (kind !== 'reasoning') hasText = true;
    onPart({ type: kind === 'reasoning' ? 'reasoning-delta' : 'text-delta', text });
  }

  return {
    take(value) {
      const line = read.object(value, 'a line');
      if (line === null || last !== null) return;
      if (isFailure(line)) throw toProviderError(identity, readFailure(line));
      const message = read.object(line.message, 'message');
      tellContent(read, message?.thinking, 'message.thinking', tell, 'reasoning');
      tellContent(read, message?.content, 'message.content', tell);
      if (isDone(line)) last = line;
    },
    finish() {
      if (last === null) throw cutShort(title, 'ended its stream without saying that it was done');
      const rawReason = read.text(last.done_reason, 'done_reason');
      // Older versions give no reason.
      const reason = rawReason === '' ? 'other' : readFinishReason(title, rawReason, true, ownReasons);
      return { reason, rawReason, ...readUsage(last, hasText) };
    },
  };

  function isDone({ done }: Fields): boolean {
    if (done === undefined || done === null || typeof done === 'boolean') return done === true;
    throw read.refuse(done, 'done', 'a boolean');
  }
}

/** A stream that began with status 200 may hold an error. */
function isFailure({ error }: Fields): boolean {
  return error !== undefined && error !== null && error !== '' && error !== false;
}
