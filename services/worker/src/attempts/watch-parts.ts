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
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (reason: unknown) => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  aborted.catch(() => {}); // every waiter races against it; with none waiting it is no fault
  const abort = (reason: unknown) => {
    controller.abort(reason);
    giveUp(reason);
  };
  const onOuterAbort = () => abort(outer.reason);
  const arm = (ms: number, code: 'first_token_timeout' | 'idle_timeout') => {
    clearTimeout(timer);
    timer = setTimeout(() => abort(new AppError(code, `${describe[code]} within ${ms} ms`)), ms);
  };

  outer.throwIfAborted();
  outer.addEventListener('abort', onOuterAbort);
  arm(timeouts.firstTokenTimeoutMs, 'first_token_timeout');
  const iterator = call(controller.signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      clearTimeout(timer);
      yield next.value;
      controller.signal.throwIfAborted();
      arm(timeouts.idleTimeoutMs, 'idle_timeout');
    }
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', onOuterAbort);
    if (!controller.signal.aborted) controller.abort(new AppError('cancelled'));
    void iterator.return?.()?.catch(() => {}); // closes the provider's socket; its own complaint about that is of no interest
  }
}

const describe = {
  first_token_timeout: 'The provider did not begin to answer',
  idle_timeout: 'The provider did not continue its answer',
};
