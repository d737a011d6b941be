import { splitRedisUrls } from './redis-urls.ts';

type Urls = {
  DATABASE_URL: string;
  REDIS_URL: string;
  DATABASE_PASSWORD?: string | undefined;
  REDIS_PASSWORD?: string | undefined;
};

/** The same configuration, with each password in its URL. A separate password needs no encoding and can come from a file. */
export function withPasswords<C extends Urls>(config: C): C {
  return {
    ...config,
    DATABASE_URL: withPassword(config.DATABASE_URL, config.DATABASE_PASSWORD),
    REDIS_URL: withPasswordEach(config.REDIS_URL, config.REDIS_PASSWORD),
  };
}

/** Puts the password into the URL of each node in REDIS_URL. */
export function withPasswordEach(urls: string, password: string | undefined): string {
  return splitRedisUrls(urls)
    .map((url) => withPassword(url, password))
    .join(',');
}

export function withPassword(url: string, password: string | undefined): string {
  if (password === undefined) return url;
  const complete = new URL(url);
  complete.password = encodeURIComponent(password);
  return complete.href;
}
