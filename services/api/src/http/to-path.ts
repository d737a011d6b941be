/**
 * A request's target as Express can route it: a path, also where a client that takes us for a proxy sent a whole URL (RFC 9112, 3.2.2).
 * What is neither becomes a path that nobody serves: Express would answer it with a page of its own.
 */
export function toPath(target: string): string {
  if (target.startsWith('/')) return target;
  if (!/^https?:/i.test(target) || !URL.canParse(target)) return `/${target}`;
  const { pathname, search } = new URL(target);
  return `${pathname}${search}`;
}
