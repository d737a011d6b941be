import type { EffectiveKey } from './load-keys.ts';

export type KeyCacheParts = {
  loadKeys: (ids: string[]) => Promise<Map<string, EffectiveKey>>;
  /** Called once a minute with the keys that were used since. */
  noteUsed: (ids: string[]) => Promise<unknown>;
  /** Postgres does not answer: keys that were good stay good until it does. */
  onTrouble: (error: unknown) => void;
  now?: () => number;
};

export type KeyCache = {
  /** null: there is no such key. */
  get(id: string): Promise<EffectiveKey | null>;
  /** Whether `get` would answer without asking Postgres. */
  has(id: string): boolean;
  /** Calls back once, when the key ends. Returns how to stop watching. */
  watch(id: string, onEnd: () => void): () => void;
  /** Reads every known key again now, as something has changed. */
  refreshAll(): Promise<void>;
  close(): void;
};

/** How often every key in use is read again. A revocation counts within this, wherever Redis may be. */
export const recheckMs = 2_000;
/** A key that nobody used for so long is forgotten; its last use is noted as often. */
const idleMs = 60_000;

type Entry = { key: EffectiveKey | null; usedAt: number; watchers: Set<() => void> };

/**
 * The keys that this process has met. A known key costs a request nothing: a timer reads all of them again in one statement, and whoever
 * watches a key is told when it ends.
 */
export function createKeyCache({ loadKeys, noteUsed, onTrouble, now = Date.now }: KeyCacheParts): KeyCache {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, Promise<EffectiveKey | null>>();
  let notedAt = now();
  const timer = setInterval(() => void recheck(), recheckMs);
  timer.unref();

  async function recheck(): Promise<void> {
    await noteLastUses().catch(onTrouble);
    for (const [id, { usedAt, watchers }] of entries)
      if (watchers.size === 0 && now() - usedAt > idleMs) entries.delete(id);
    await refreshAll().catch(onTrouble);
  }

  async function noteLastUses(): Promise<void> {
    if (now() - notedAt < idleMs) return;
    const used = [...entries].filter(([, { usedAt }]) => usedAt >= notedAt).map(([id]) => id);
    notedAt = now();
    if (used.length > 0) await noteUsed(used);
  }

  async function refreshAll(): Promise<void> {
    const known = [...entries.keys()];
    if (known.length === 0) return;
    const loaded = await loadKeys(known);
    for (const id of known) settle(id, loaded.get(id) ?? null);
  }

  function settle(id: string, key: EffectiveKey | null): void {
    const entry = entries.get(id);
    if (!entry) return;
    entry.key = key;
    if (isGood(key, now())) return;
    const { watchers } = entry;
    entry.watchers = new Set();
    for (const onEnd of watchers) onEnd();
  }

  async function load(id: string): Promise<EffectiveKey | null> {
    const key = (await loadKeys([id])).get(id) ?? null;
    if (key) entries.set(id, { key, usedAt: now(), watchers: entries.get(id)?.watchers ?? new Set() });
    return key;
  }

  return {
    async get(id) {
      const entry = entries.get(id);
      if (entry) {
        entry.usedAt = now();
        return entry.key;
      }
      // Many requests may bring a key that is new here: it is read once.
      let pending = loading.get(id);
      if (!pending) {
        pending = load(id).finally(() => loading.delete(id));
        loading.set(id, pending);
      }
      return pending;
    },
    has: (id) => entries.has(id),
    watch(id, onEnd) {
      const entry = entries.get(id);
      entry?.watchers.add(onEnd);
      return () => void entries.get(id)?.watchers.delete(onEnd);
    },
    refreshAll,
    close: () => clearInterval(timer),
  };
}

/** Whether the key counts at this moment. */
export function isGood(key: EffectiveKey | null, now: number): key is EffectiveKey {
  return key !== null && !key.revoked && (key.expiresAt === null || key.expiresAt > now);
}
