/** Registers how something is closed, at the moment it is opened. */
export type Release = (close: () => unknown) => void;

export type Releases = { release: Release; closeAll(): Promise<void> };

/** Closes what was opened, newest first; what cannot be closed does not keep the rest open. */
export function createReleases(): Releases {
  const closes: (() => unknown)[] = [];
  return {
    release: (close) => void closes.push(close),
    async closeAll() {
      for (let close = closes.pop(); close; close = closes.pop()) {
        try {
          await close();
        } catch (error) {
          console.error('could not be closed:', error);
        }
      }
    },
  };
}
