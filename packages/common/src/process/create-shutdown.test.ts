import { describe, expect, it, vi } from 'vitest';
import { createShutdown } from './create-shutdown.ts';

describe('the shutdown', () => {
  it('closes newest first, one after the other, and only once', async () => {
    const order: string[] = [];
    const { release, run } = createShutdown({ error() {}, debug() {} });
    release('first', () => order.push('first'));
    release('second', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push('second');
    });
    await Promise.all([run(), run()]);
    expect(order).toEqual(['second', 'first']);
  });

  it('goes on past what fails and what never ends, and says so', async () => {
    const error = vi.fn();
    const closed = vi.fn();
    const { release, run } = createShutdown({ error, debug() {} });
    release('first', closed);
    release('endless', () => new Promise(() => {}), 20);
    release('failing', () => Promise.reject(new Error('no')));
    await run();
    expect(closed).toHaveBeenCalledOnce();
    expect(error.mock.calls.map(([{ resource }]) => resource)).toEqual(['failing', 'endless']);
  });
});
