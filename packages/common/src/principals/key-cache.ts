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
  /** Notes that somebody has shown the key's secret, or a token of it. To know its id is no use of it. */
  noteUse(id: string): void;
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

type Entry = { key: EffectiveKey | null; askedAt: number; usedAt: number; watchers: Set<() => void> };

/**
 * The keys that this process has met. A known key costs a request nothing: a timer reads all of them again in one statement, and whoever
 * watches a key is told when it ends.
 */
export function createKeyCache({ loadKeys, noteUsed, onTrouble, now = Date.now }: KeyCacheParts): KeyCache {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, Promise<EffectiveKey | null>>();
  let notedAt = now();
  let [begun, settled] = [0, 0];
  const timer = setInterval(() => void recheck(), recheckMs);
  timer.unref();

  async function recheck(): Promise<void> {
    for (const [id, entry] of entries) {
      tellIfOver(entry); // a key expires also while Postgres is away
      if (entry.watchers.size === 0 && now() - entry.askedAt > idleMs) entries.delete(id);
    }
    await Promise.all([refreshAll().catch(onTrouble), noteLastUses().catch(onTrouble)]);
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
    begun += 1;
    const turn = begun;
    const loaded = await loadKeys(known);
    if (turn < settled) return; // what was read later is known already
    settled = turn;
    for (const id of known) settle(id, loaded.get(id) ?? null);
  }

  function settle(id: string, key: EffectiveKey | null): void {
    const entry = entries.get(id);
    if (!entry) return;
    entry.key = key;
    tellIfOver(entry);
  }

  function tellIfOver(entry: Entry): void {
    if (isGood(entry.key, now())) return;
    const { watchers } = entry;
    entry.watchers = new Set();
    for (const onEnd of watchers) onEnd();
  }

  async function load(id: string): Promise<EffectiveKey | null> {
    const key = (await loadKeys([id])).get(id) ?? null;
    if (key) entries.set(id, { key, askedAt: now(), usedAt: 0, watchers: new Set() });
    return key;
  }

  return {
    async get(id) {
      const entry = entries.get(id);
      if (entry) {
        entry.askedAt = now();
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
    noteUse(id) {
      const entry = entries.get(id);
      if (entry) entry.usedAt = now();
    },
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
