import { AppError } from '@nexus/common/app-error';
import { describe, expect, it } from 'vitest';
import type { OnPart, ProviderFinish, ProviderPart } from '../providers/provider.ts';
import { collect, failureOf } from '../providers/testing/collect.ts';
import { watchParts } from './watch-parts.ts';

const never = new AbortController().signal;
const text = (value: string): ProviderPart => ({ type: 'text-delta', text: value });
const finish: ProviderFinish = { reason: 'stop', rawReason: 'stop', usage: null };
const long = { firstTokenTimeoutMs: 60_000, idleTimeoutMs: 60_000 };

/** Heeds nothing: neither its signal nor that somebody left. */
const deaf =
  (...parts: ProviderPart[]) =>
  (_signal: AbortSignal, onPart: OnPart) => {
    for (const part of parts) onPart(part);
    return new Promise<ProviderFinish>(() => {});
  };

describe('watchParts', () => {
  it('passes the parts through', async () => {
    const call = async (_signal: AbortSignal, onPart: OnPart) => {
      for (const part of [text('a'), text('b')]) onPart(part);
      return finish;
    };
    expect(await collect((onPart) => watchParts(call, long, never, onPart))).toMatchObject({ text: 'ab', finish });
  });

  it('gives up a provider that does not begin, even one that ignores its signal', async () => {
    const error = await failureOf((onPart) => watchParts(deaf(), { ...long, firstTokenTimeoutMs: 20 }, never, onPart));
    expect(error).toMatchObject({ code: 'first_token_timeout' });
  });

  it('gives up a provider that pauses for too long, and passes nothing on of what it says later', async () => {
    let say: OnPart = () => {};
    const call = (signal: AbortSignal, onPart: OnPart) => {
      say = onPart;
      return deaf(text('a'))(signal, onPart);
    };
    const heard: string[] = [];
    const watched = watchParts(call, { ...long, idleTimeoutMs: 20 }, never, (part) => void heard.push(part.text));
    await expect(watched).rejects.toMatchObject({ code: 'idle_timeout' });
    say(text('late'));
    expect(heard).toEqual(['a']);
  });

  it('counts the pause anew from each part', async () => {
    const call = async (_signal: AbortSignal, onPart: OnPart) => {
      for (let count = 0; count < 8; count += 1) {
        onPart(text('a'));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return finish;
    };
    const { text: said } = await collect((onPart) => watchParts(call, { ...long, idleTimeoutMs: 200 }, never, onPart));
    expect(said).toHaveLength(8);
  });

  it('rejects with the reason of the outer signal, and hands it on', async () => {
    const controller = new AbortController();
    const reason = new AppError('cancelled');
    let heard: unknown;
    const call = (signal: AbortSignal, onPart: OnPart) => {
      signal.addEventListener('abort', () => {
        heard = signal.reason;
      });
      return deaf(text('a'))(signal, onPart);
    };
    const failure = failureOf((onPart) => watchParts(call, long, controller.signal, onPart));
    queueMicrotask(() => controller.abort(reason));
    expect(await failure).toBe(reason);
    expect(heard).toBe(reason);
  });

  it('does not call where the outer signal is aborted already', async () => {
    const reason = new AppError('cancelled');
    const call = () => {
      throw new Error('called');
    };
    expect(await failureOf((onPart) => watchParts(call, long, AbortSignal.abort(reason), onPart))).toBe(reason);
  });
});
