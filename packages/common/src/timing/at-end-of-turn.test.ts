import { describe, expect, it } from 'vitest';
import { atEndOfTurn } from './at-end-of-turn.ts';

describe('the end of a turn', () => {
  it('comes after what resolves meanwhile, once for all who asked, in their order, those included who ask then', async () => {
    const heard: string[] = [];
    atEndOfTurn(() => {
      heard.push('first');
      atEndOfTurn(() => heard.push('asked for at the end'));
    });
    atEndOfTurn(() => heard.push('second'));
    await Promise.resolve().then(() => heard.push('resolved'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual(['resolved', 'first', 'second', 'asked for at the end']);
    atEndOfTurn(() => heard.push('another turn'));
    expect(heard).toHaveLength(4);
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard.at(-1)).toBe('another turn');
  });
});
