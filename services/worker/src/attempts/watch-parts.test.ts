import { AppError } from '@nexus/common/app-error';
import { describe, expect, it } from 'vitest';
import type { ProviderPart } from '../providers/provider.ts';
import { collect, failureOf } from '../providers/testing/collect.ts';
import { watchParts } from './watch-parts.ts';

const never = new AbortController().signal;
const text = (value: string): ProviderPart => ({ type: 'text-delta', text: value });
const finish: ProviderPart = { type: 'finish', reason: 'stop', rawReason: 'stop', usage: null };
const long = { firstTokenTimeoutMs: 60_000, idleTimeoutMs: 60_000 };

/** Heeds nothing: neither its signal nor that somebody left. */
const deaf = (...parts: ProviderPart[]) =>
  async function* () {
    yield* parts;
    await new Promise(() => {});
  };

describe('watchParts', () => {
  it('passes the parts through', async () => {
    const call = async function* () {
      yield* [text('a'), text('b'), finish];
    };
    expect(await collect(watchParts(call, long, never))).toMatchObject({ text: 'ab', finish });
  });

  it('gives up a provider that does not begin, even one that ignores its signal', async () => {
    const error = await failureOf(watchParts(deaf(), { ...long, firstTokenTimeoutMs: 20 }, never));
    expect(error).toMatchObject({ code: 'first_token_timeout' });
  });

  it('gives up a provider that pauses for too long', async () => {
    const error = await failureOf(watchParts(deaf(text('a')), { ...long, idleTimeoutMs: 20 }, never));
    expect(error).toMatchObject({ code: 'idle_timeout' });
  });

  it('throws the reason of the outer signal, and hands it on', async () => {
    const controller = new AbortController();
    const reason = new AppError('cancelled');
    let heard: unknown;
    const call = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => {
        heard = signal.reason;
      });
      return deaf(text('a'))();
    };
    const failure = failureOf(watchParts(call, long, controller.signal));
    queueMicrotask(() => controller.abort(reason));
    expect(await failure).toBe(reason);
    expect(heard).toBe(reason);
  });

  it('does not count the time that its consumer takes', async () => {
    const call = async function* () {
      yield* [text('a'), text('b'), finish];
    };
    for await (const part of watchParts(call, { ...long, idleTimeoutMs: 20 }, never)) {
      if (part.type === 'text-delta') await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
