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
  /** Tells the parts of the next line; throws the error that the provider may send in one. */
  take(value: unknown): void;
  /** After the last line. */
  finish(): ProviderFinish;
};

/** With these Ollama says that it has moved the model into or out of memory, and answered nothing. */
const ownReasons: Record<string, Verdict> = { load: 'failure', unload: 'failure' };

/** One answer, read line by line. The line that says `done` has the reason and the counts; without it the answer was cut. */
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

/** An error may stand inside an answer that began well. */
function isFailure({ error }: Fields): boolean {
  return error !== undefined && error !== null && error !== '' && error !== false;
}
