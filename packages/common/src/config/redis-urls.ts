/** Splits REDIS_URL: one URL, or those of a cluster's nodes, separated by commas. A comma without a URL behind it belongs to a password. */
export function splitRedisUrls(text: string): string[] {
  return text.split(/,\s*(?=rediss?:\/\/)/);
}

/** The reason why these two settings do not fit together, or null. */
export function redisProblem(text: string, cluster: boolean): string | null {
  if (!splitRedisUrls(text).every((url) => URL.canParse(url))) return null; // redisUrlProblem reports it
  const urls = splitRedisUrls(text).map((url) => new URL(url));
  if (urls.length > 1 && !cluster) return 'several addresses need a Redis Cluster: set REDIS_CLUSTER=on too';
  if (cluster && urls.some(({ pathname }) => !['', '/', '/0'].includes(pathname)))
    return 'expected database 0: a cluster has no database but 0';
  const [first, ...others] = urls.map((url) => `${url.protocol}${url.username}:${url.password}`);
  if (others.some((other) => other !== first)) return 'expected nodes that share one protocol, user and password';
  return null;
}

/** The addresses of the nodes, and the credentials for each. With TLS the client checks the host's name. */
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
