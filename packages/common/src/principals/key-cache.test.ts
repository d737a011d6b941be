import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKeyCache, type KeyCache, recheckMs } from './key-cache.ts';
import type { EffectiveKey } from './load-keys.ts';

const id = 'key';
const key: EffectiveKey = {
  id,
  workspaceId: 'workspace',
  hash: new Uint8Array(32),
  previousHash: null,
  previousHashUntil: null,
  scopes: ['read'],
  agentIds: null,
  expiresAt: null,
  revoked: false,
};

describe('the key cache', () => {
  let stored: EffectiveKey | null;
  let loads: string[][];
  let trouble: unknown[];
  let noted: string[][];
  let away: boolean;
  let cache: KeyCache;
  beforeEach(() => {
    vi.useFakeTimers();
    [stored, loads, trouble, noted, away] = [key, [], [], [], false];
    cache = createKeyCache({
      async loadKeys(ids) {
        if (away) throw new Error('Postgres is away');
        loads.push(ids);
        return new Map(stored ? ids.map((each) => [each, stored as EffectiveKey]) : []);
      },
      noteUsed: async (ids) => noted.push(ids),
      onTrouble: (error) => trouble.push(error),
    });
  });
  afterEach(() => {
    cache.close();
    vi.useRealTimers();
  });

  it('reads a key once, however many requests bring it at the same time', async () => {
    expect(await Promise.all([cache.get(id), cache.get(id), cache.get(id)])).toEqual([key, key, key]);
    await cache.get(id);
    expect(loads).toEqual([[id]]);
  });

  it('does not keep what does not exist', async () => {
    stored = null;
    expect(await cache.get(id)).toBeNull();
    stored = key;
    expect(await cache.get(id)).toEqual(key);
  });

  it('tells watchers once that a key was revoked, within the time of a recheck', async () => {
    await cache.get(id);
    let ended = 0;
    cache.watch(id, () => {
      ended += 1;
    });
    stored = { ...key, revoked: true };
    await vi.advanceTimersByTimeAsync(recheckMs);
    expect(ended).toBe(1);
    await vi.advanceTimersByTimeAsync(3 * recheckMs);
    expect(ended).toBe(1);
    expect(await cache.get(id)).toMatchObject({ revoked: true });
  });

  it('tells watchers that a key has expired', async () => {
    stored = { ...key, expiresAt: Date.now() + 1_000 };
    await cache.get(id);
    const onEnd = vi.fn();
    cache.watch(id, onEnd);
    await vi.advanceTimersByTimeAsync(recheckMs);
    expect(onEnd).toHaveBeenCalledOnce();
  });

  it('tells nobody who stopped watching', async () => {
    await cache.get(id);
    const onEnd = vi.fn();
    cache.watch(id, onEnd)();
    stored = null;
    await vi.advanceTimersByTimeAsync(recheckMs);
    expect(onEnd).not.toHaveBeenCalled();
  });

  it('keeps a good key while Postgres is away, and says that it is', async () => {
    await cache.get(id);
    const onEnd = vi.fn();
    cache.watch(id, onEnd);
    away = true;
    await vi.advanceTimersByTimeAsync(recheckMs);
    expect(await cache.get(id)).toEqual(key);
    expect(onEnd).not.toHaveBeenCalled();
    expect(trouble).toHaveLength(1);
  });

  it('notes once a minute which keys were used', async () => {
    await cache.get(id);
    cache.noteUse(id);
    await vi.advanceTimersByTimeAsync(62_000);
    expect(noted).toEqual([[id]]);
    await vi.advanceTimersByTimeAsync(62_000);
    expect(noted).toEqual([[id]]);
  });

  it('forgets a key that nobody has used for a minute, and asks Postgres no more', async () => {
    await cache.get(id);
    await vi.advanceTimersByTimeAsync(70_000);
    const before = loads.length;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(loads).toHaveLength(before);
  });

  it('does not note a key as used that was only asked for', async () => {
    await cache.get(id);
    await vi.advanceTimersByTimeAsync(62_000);
    expect(noted).toEqual([]);
  });

  it('tells watchers that a key has expired while Postgres is away', async () => {
    stored = { ...key, expiresAt: Date.now() + 1_000 };
    await cache.get(id);
    const onEnd = vi.fn();
    cache.watch(id, onEnd);
    away = true;
    await vi.advanceTimersByTimeAsync(recheckMs);
    expect(onEnd).toHaveBeenCalledOnce();
  });

  it('lets an answer of Postgres that comes late not undo a revocation', async () => {
    const answers: ((found: EffectiveKey) => void)[] = [];
    const loadKeys = () =>
      new Promise<Map<string, EffectiveKey>>((resolve) => answers.push((found) => resolve(new Map([[id, found]]))));
    const slow = createKeyCache({ loadKeys, noteUsed: async () => {}, onTrouble: () => {} });
    const first = slow.get(id);
    answers[0]?.(key);
    await first;
    const [early, late] = [slow.refreshAll(), slow.refreshAll()];
    answers[2]?.({ ...key, revoked: true });
    await late;
    answers[1]?.(key);
    await early;
    expect(await slow.get(id)).toMatchObject({ revoked: true });
    slow.close();
  });
});
