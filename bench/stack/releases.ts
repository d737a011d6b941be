/** Call it with the way to close a resource at the moment you open the resource. */
export type Release = (close: () => unknown) => void;

export type Releases = { release: Release; closeAll(): Promise<void> };

/** Closes the newest resource first. A close that throws does not keep the others open. */
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
