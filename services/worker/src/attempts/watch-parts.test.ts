import { AppError } from '@nexus/common/errors/app-error';
import { describe, expect, it } from 'vitest';
import type { OnPart, ProviderFinish, ProviderPart } from '../providers/provider.ts';
import { collect, failureOf } from '../providers/testing/collect.ts';
import { watchParts } from './watch-parts.ts';

const never = new AbortController().signal;
const text = (value: string): ProviderPart => ({ type: 'text-delta', text: value });
const finish: ProviderFinish = { reason: 'stop', rawReason: 'stop', usage: null };
const long = { firstTokenTimeoutMs: 60_000, idleTimeoutMs: 60_000 };

/** Ignores its signal. */
const deaf =
  (...parts: ProviderPart[]) =>
  (onPart: OnPart) => {
    for (const part of parts) onPart(part);
    return new Promise<ProviderFinish>(() => {});
  };

/** Passes on one part and then waits. Notes the abort reason. */
function hearing() {
  let reason: unknown;
  const call = (onPart: OnPart, signal: AbortSignal) => {
    signal.addEventListener('abort', () => {
      reason = signal.reason;
    });
    return deaf(text('a'))(onPart);
  };
  return { call, heard: () => reason };
}

describe('watchParts', () => {
  it('passes the parts through', async () => {
    const call = async (onPart: OnPart) => {
      for (const part of [text('a'), text('b')]) onPart(part);
      return finish;
    };
    expect(await collect((onPart) => watchParts(call, long, onPart, never))).toMatchObject({ text: 'ab', finish });
  });

  it('gives up a provider that does not begin, even one that ignores its signal', async () => {
    const error = await failureOf((onPart) => watchParts(deaf(), { ...long, firstTokenTimeoutMs: 20 }, onPart, never));
    expect(error).toMatchObject({ code: 'first_token_timeout' });
  });

  it('gives up a provider that pauses for too long, and passes on none of its later parts', async () => {
    let say: OnPart = () => {};
    const call = (onPart: OnPart) => {
      say = onPart;
      return deaf(text('a'))(onPart);
    };
    const heard: string[] = [];
    const watched = watchParts(call, { ...long, idleTimeoutMs: 20 }, (part) => void heard.push(part.text), never);
    await expect(watched).rejects.toMatchObject({ code: 'idle_timeout' });
    say(text('late'));
    expect(heard).toEqual(['a']);
  });

  it('gives up as soon as the pause is too long, also after parts at any pace', async () => {
    let lastAt = 0;
    const call = async (onPart: OnPart) => {
      for (const pauseMs of [0, 200]) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        onPart(text('a'));
        lastAt = performance.now();
      }
      return new Promise<ProviderFinish>(() => {});
    };
    const error = await failureOf((onPart) => watchParts(call, { ...long, idleTimeoutMs: 300 }, onPart, never));
    expect(error).toMatchObject({ code: 'idle_timeout' });
    expect(performance.now() - lastAt).toBeLessThan(450);
  });

  it('counts the pause from the last part', async () => {
    const call = async (onPart: OnPart) => {
      for (let count = 0; count < 8; count += 1) {
        onPart(text('a'));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return finish;
    };
    const { text: said } = await collect((onPart) => watchParts(call, { ...long, idleTimeoutMs: 200 }, onPart, never));
    expect(said).toHaveLength(8);
  });

  it('rejects with the reason of the outer signal, and passes it to the provider', async () => {
    const controller = new AbortController();
    const reason = new AppError('cancelled');
    const { call, heard } = hearing();
    const failure = failureOf((onPart) => watchParts(call, long, onPart, controller.signal));
    queueMicrotask(() => controller.abort(reason));
    expect(await failure).toBe(reason);
    expect(heard()).toBe(reason);
  });

  it('rejects with the error that its listener throws, and aborts the provider', async () => {
    const fault = new TypeError('ours');
    const { call, heard } = hearing();
    const throwing = () => {
      throw fault;
    };
    await expect(watchParts(call, long, throwing, never)).rejects.toBe(fault);
    expect(heard()).toBe(fault);
  });

  it('does not call the provider if the outer signal is aborted already', async () => {
    const reason = new AppError('cancelled');
    const call = () => {
      throw new Error('called');
    };
    expect(await failureOf((onPart) => watchParts(call, long, onPart, AbortSignal.abort(reason)))).toBe(reason);
  });
});
