import { AppError } from '@nexus/common/errors/app-error';
import { describe, expect, it } from 'vitest';
import { collect, failureOf, hello } from '../testing/collect.ts';
import { createEchoProvider } from './echo-provider.ts';

const never = new AbortController().signal;

describe('Echo', () => {
  it('repeats every character of the message, word by word', async () => {
    const said = '  two  words\nand ü 🦙 \n';
    const provider = createEchoProvider({ delayMs: 0 });
    const { text, finish } = await collect((onPart) =>
      provider.stream({ ...hello, messages: [{ role: 'user', content: said }] }, onPart, never),
    );
    expect(text).toBe(`You said: ${said}`);
    expect(finish).toMatchObject({ reason: 'stop' });
  });

  it('stops at once when it is aborted', async () => {
    const controller = new AbortController();
    const failure = failureOf((onPart) =>
      createEchoProvider({ delayMs: 60_000 }).stream(hello, onPart, controller.signal),
    );
    const reason = new AppError('cancelled');
    controller.abort(reason);
    expect(await failure).toBe(reason);
  });
});
