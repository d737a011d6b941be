import type { IncomingMessage } from 'node:http';
import { createHostCheck, hostNotAllowed } from '@nexus/common/config/allowed-hosts';

/**
 * For Socket.IO's option `allowRequest`. CORS does not protect WebSockets, nor long polling by scripts (JSONP, `j`). So a web page must come from
 * one of these origins, or from the host that it calls, and that host must be allowed. Other programs send no origin, and may connect.
 */
export function allowCallers({ corsOrigins, allowedHosts }: { corsOrigins: string[]; allowedHosts: string[] }) {
  const isAllowedHost = createHostCheck(allowedHosts);
  return ({ url = '', headers }: IncomingMessage, decide: (refusal: string | null, allowed: boolean) => void): void => {
    const { origin, host } = headers;
    const isKnown = origin === undefined || corsOrigins.includes(origin) || hostOf(origin) === host;
    const { searchParams } = new URL(url, 'http://localhost');
    if (!isAllowedHost(host)) decide(hostNotAllowed, false);
    else if (!isKnown) decide('the origin is not in CORS_ORIGINS', false);
    else if (searchParams.has('j')) decide('there is no JSONP', false);
    else decide(null, true);
  };
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
