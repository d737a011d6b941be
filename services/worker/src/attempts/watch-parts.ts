import { AppError } from '@nexus/common/app-error';
import type { ProviderPart } from '../providers/provider.ts';

export type PartTimeouts = { firstTokenTimeoutMs: number; idleTimeoutMs: number };

/**
 * The parts of one provider call, given up when the first or the next takes too long, or when the outer signal aborts.
 * A provider that does not heed its signal is left behind: the iteration throws all the same.
 */
export async function* watchParts(
  call: (signal: AbortSignal) => AsyncIterable<ProviderPart>,
  timeouts: PartTimeouts,
  outer: AbortSignal,
): AsyncIterable<ProviderPart> {
  const controller = new AbortController();
  let giveUp: (reason: unknown) => void = () => {};
  const abort = (reason: unknown) => {
    controller.abort(reason);
    giveUp(reason);
  };
  const onOuterAbort = () => abort(outer.reason);
  const limit = (ms: number, code: keyof typeof describe) =>
    setTimeout(() => {
      if (waiting) abort(new AppError(code, `${describe[code]} within ${ms} ms`));
    }, ms);

  outer.throwIfAborted();
  outer.addEventListener('abort', onOuterAbort);
  let timer = limit(timeouts.firstTokenTimeoutMs, 'first_token_timeout');
  let begun = false;
  let waiting = true;
  let finished = false;
  const iterator = call(controller.signal)[Symbol.asyncIterator]();
  const nextOrAbort = () =>
    new Promise<IteratorResult<ProviderPart>>((resolve, reject) => {
      giveUp = reject;
      iterator.next().then(resolve, reject);
    });
  try {
    for (;;) {
      waiting = true;
      const next = await nextOrAbort();
      finished = next.done === true || next.value.type === 'finish';
      if (next.done) return;
      waiting = false; // what the consumer takes does not count
      if (!begun) clearTimeout(timer);
      yield next.value;
      controller.signal.throwIfAborted();
      if (begun) timer.refresh();
      else timer = limit(timeouts.idleTimeoutMs, 'idle_timeout');
      begun = true;
    }
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', onOuterAbort);
    if (!finished && !controller.signal.aborted) controller.abort(new AppError('cancelled'));
    void iterator.return?.()?.catch(() => {}); // closes the provider's socket; its own complaint about that is of no interest
  }
}

const describe = {
  first_token_timeout: 'The provider did not begin to answer',
  idle_timeout: 'The provider did not continue its answer',
};
