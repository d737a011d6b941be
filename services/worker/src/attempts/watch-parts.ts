import { AppError } from '@nexus/common/errors/app-error';
import type { OnPart, ProviderFinish } from '../providers/provider.ts';

export type PartTimeouts = { firstTokenTimeoutMs: number; idleTimeoutMs: number };

/**
 * Makes one provider call. Rejects when the first or the next part takes too long, or when the outer signal aborts. It rejects even if the
 * provider ignores its signal, and passes on no later part.
 */
export function watchParts(
  call: (onPart: OnPart, signal: AbortSignal) => Promise<ProviderFinish>,
  { firstTokenTimeoutMs, idleTimeoutMs }: PartTimeouts,
  onPart: OnPart,
  outer: AbortSignal,
): Promise<ProviderFinish> {
  return new Promise((resolve, reject) => {
    if (outer.aborted) return reject(outer.reason);
    const controller = new AbortController();
    let lastPartAt: number | null = null;
    let over = false;

    function end(): void {
      over = true;
      clearTimeout(timer);
      outer.removeEventListener('abort', onOuterAbort);
    }
    function giveUp(reason: unknown): void {
      if (over) return;
      end();
      reject(reason);
      controller.abort(reason);
    }
    const onOuterAbort = () => giveUp(outer.reason);
    const giveUpAfter = (ms: number, code: keyof typeof describe) =>
      giveUp(new AppError(code, `${describe[code]} within ${ms} ms`));
    /** A new timer for each part would cost more than the part. So this timer checks, when it fires, how long ago the last part came. */
    function watchIdle(ms: number): void {
      timer = setTimeout(() => {
        const leftMs = (lastPartAt ?? 0) + idleTimeoutMs - performance.now();
        if (leftMs > 0) watchIdle(leftMs);
        else giveUpAfter(idleTimeoutMs, 'idle_timeout');
      }, ms);
    }

    outer.addEventListener('abort', onOuterAbort);
    let timer = setTimeout(() => giveUpAfter(firstTokenTimeoutMs, 'first_token_timeout'), firstTokenTimeoutMs);
    const tell: OnPart = (part) => {
      if (over) return;
      if (lastPartAt === null) {
        clearTimeout(timer);
        watchIdle(idleTimeoutMs);
      }
      lastPartAt = performance.now();
      try {
        onPart(part);
      } catch (error) {
        giveUp(error); // the listener's error, not the provider's
      }
    };
    const ask = async () => call(tell, controller.signal);
    ask().then(
      (finish) => {
        if (over) return;
        end();
        resolve(finish);
      },
      (error: unknown) => {
        if (over) return;
        end();
        reject(error);
      },
    );
  });
}

const describe = {
  first_token_timeout: 'The provider did not begin to answer',
  idle_timeout: 'The provider did not continue its answer',
};
