/** Resolves or rejects as the promise does. Resolves with `otherwise` if it takes longer than the limit. */
export async function atMost<T, Otherwise>(
  limitMs: number,
  awaited: Promise<T>,
  otherwise: Otherwise,
): Promise<T | Otherwise> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Otherwise>((resolve) => {
    timer = setTimeout(resolve, limitMs, otherwise);
  });
  try {
    return await Promise.race([awaited, limit]);
  } finally {
    clearTimeout(timer);
  }
}
