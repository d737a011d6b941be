/** REDIS_URL's parts: one, or the nodes of a cluster separated by commas. A comma that begins no URL belongs to a password. */
export function splitRedisUrls(text: string): string[] {
  return text.split(/,\s*(?=rediss?:\/\/)/);
}

/** A reason why Redis cannot be used as these two variables say, or null. */
export function redisProblem(text: string, cluster: boolean): string | null {
  if (!splitRedisUrls(text).every((url) => URL.canParse(url))) return null; // which is said elsewhere
  const urls = splitRedisUrls(text).map((url) => new URL(url));
  if (urls.length > 1 && !cluster) return 'several addresses are nodes of a cluster: set REDIS_CLUSTER=on as well';
  if (cluster && urls.some(({ pathname }) => !['', '/', '/0'].includes(pathname)))
    return 'a cluster has no database but 0';
  const [first, ...others] = urls.map((url) => `${url.protocol}${url.username}:${url.password}`);
  if (others.some((other) => other !== first)) return 'the nodes of a cluster share one protocol, user and password';
  return null;
}

/** Where the nodes are, and how each of them is entered; TLS goes by the host's name. */
export type RedisNodes = {
  nodes: { host: string; port: number }[];
  access: { username?: string; password?: string; tls?: object };
};

export function toRedisNodes(text: string): RedisNodes {
  const urls = splitRedisUrls(text).map((url) => new URL(url));
  const first = urls[0];
  return {
    nodes: urls.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port || 6379),
    })),
    access: {
      ...(first?.username ? { username: decodeURIComponent(first.username) } : {}),
      ...(first?.password ? { password: decodeURIComponent(first.password) } : {}),
      ...(first?.protocol === 'rediss:' ? { tls: {} } : {}),
    },
  };
}
