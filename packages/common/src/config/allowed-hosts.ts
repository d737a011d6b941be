import { isIP } from 'node:net';

/**
 * Whether a service accepts this Host header: `localhost` or a name below it, any IP address, or a name in `allowed` (`*` is every name).
 *
 * There are no API keys, so loopback is the only protection. A foreign web page in a browser on this machine gets past loopback and CORS if its own
 * name resolves to loopback (DNS rebinding). But its Host header still has that name. An IP address cannot be used for that trick.
 */
export function createHostCheck(allowed: string[]): (host: string | undefined) => boolean {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return (host) => {
    if (host === undefined || names.has('*')) return true; // a browser always sends the header
    const name = nameOf(host);
    return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0 || names.has(name);
  };
}

export const hostNotAllowed = 'Host: expected localhost, an IP address or one of ALLOWED_HOSTS';

/** The name without port, without the brackets of an IPv6 address, and without a dot at the end. */
function nameOf(host: string): string {
  const [, address, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (address ?? name).toLowerCase().replace(/\.$/, '');
}
