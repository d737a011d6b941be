import { isIP } from 'node:net';

/**
 * Whether a request's Host header names a host that this service may be called by: `localhost` or a name below it, any address, or one of
 * `allowed`, of which `*` is every name. Without keys, only listening on loopback keeps strangers out, and a stranger's page in a browser on this
 * machine gets past that, and past CORS, once the name it came from resolves to loopback (DNS rebinding): the header still has that name,
 * and what a name resolves to does not matter where there is none.
 */
export function createHostCheck(allowed: string[]): (host: string | undefined) => boolean {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return (host) => {
    if (host === undefined || names.has('*')) return true; // a browser always names one
    const name = nameOf(host);
    return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0 || names.has(name);
  };
}

export const hostNotAllowed = 'Host: expected localhost, an IP address or one of ALLOWED_HOSTS';

/** Without port, without the brackets of an IPv6 address, and without the dot that may end a name. */
function nameOf(host: string): string {
  const [, address, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (address ?? name).toLowerCase().replace(/\.$/, '');
}
