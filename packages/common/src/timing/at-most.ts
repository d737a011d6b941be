/** What the promise comes to; `otherwise` where it takes longer than the limit. Rejects as the promise does within it. */
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
